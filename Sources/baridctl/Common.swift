// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Control
import Glibc
import Platform

/// How results are shown; taken by every command.
struct OutputOptions: ParsableArguments {
    @Flag(help: "Print one JSON object.")
    var json = false

    @Flag(name: .customLong("no-color"), help: "Print without colour; so does NO_COLOR.")
    var isColorless = false

    var output: Output {
        let isTerminal = Platform.isTerminal(STDOUT_FILENO)
        let isPlain = isColorless || !(environment("NO_COLOR") ?? "").isEmpty
        return Output(
            form: json ? .json : isTerminal ? .table(columns: terminalColumns() ?? 80) : .lines,
            isColored: isTerminal && !isPlain && !json
        )
    }
}

/// Which daemon is meant; taken by every command that asks one.
struct ConnectionOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Data directory of the daemon (default: $BARID_DATA, else /var/lib/barid).",
            valueName: "dir"
        )
    )
    var data: String?

    @Option(help: ArgumentHelp("Control socket (default: control.sock there).", valueName: "path"))
    var socket: String?

    @OptionGroup var outputOptions: OutputOptions

    var path: String {
        if let socket { return socket }
        let directory = data ?? environment("BARID_DATA") ?? "/var/lib/barid"
        return directory.hasSuffix("/") ? "\(directory)control.sock" : "\(directory)/control.sock"
    }

    /// Connects, does the work, and ends the program with the exit status it deserves.
    func perform(
        _ body: (inout ControlClient, Output) throws(OperatorFault) -> ExitStatus
    ) throws {
        let output = outputOptions.output
        try output.perform { () throws(OperatorFault) in
            var client = try ControlClient(path: path)
            return try body(&client, output)
        }
    }
}

extension Output {
    /// Does the work, reports its fault, and ends the program with the exit status it deserves.
    func perform(_ body: () throws(OperatorFault) -> ExitStatus) throws {
        let status: Int32
        do throws(OperatorFault) {
            status = try body().rawValue
        } catch {
            report(error)
            status = error.exit
        }
        guard status == 0 else { throw ExitCode(status) }
    }
}

/// The value of a variable of the environment; nil if it is unset or empty.
func environment(_ name: String) -> String? {
    guard let value = getenv(name), value.pointee != 0 else { return nil }
    return String(cString: value)
}
