// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Control
import Glibc
import Platform

/// How results are shown; taken by every command.
struct OutputOptions: ParsableArguments {
    @Flag(help: "Print one JSON object.")
    var json = false

    @Flag(help: "Print one JSON object a line, without a schema around them.")
    var ndjson = false

    @Flag(name: .customLong("no-color"), help: "Print without colour; so does NO_COLOR.")
    var isColorless = false

    var output: Output {
        let isTerminal = Platform.isTerminal(STDOUT_FILENO)
        let isPlain = isColorless || !(environment("NO_COLOR") ?? "").isEmpty
        return Output(
            form: json
                ? .json
                : ndjson
                    ? .rows : isTerminal ? .table(columns: terminalColumns() ?? 80) : .lines,
            isColored: isTerminal && !isPlain && !json && !ndjson
        )
    }
}

/// Which daemon is meant; taken by every command that asks one.
struct ConnectionOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Data directory of the daemon, or where its sockets are (default: $BARID_DATA, else "
                + "/run/barid if they are there, else /var/lib/barid).",
            valueName: "dir"
        )
    )
    var data: String?

    @Option(
        help: ArgumentHelp(
            "This socket, instead of observe.sock or control.sock there as the command needs.",
            valueName: "path"
        )
    )
    var socket: String?

    @OptionGroup var outputOptions: OutputOptions

    var place: ControlClient.Place {
        if let socket { return .socket(socket) }
        return .directory(data ?? environment("BARID_DATA") ?? Self.standardDirectory)
    }

    private static var standardDirectory: String {
        let kinds = ControlDoor.Kind.allCases
        return kinds.contains { access("/run/barid/\($0.fileName)", F_OK) == 0 }
            ? "/run/barid" : "/var/lib/barid"
    }

    /// Connects, does the work, and ends the program with the exit status it deserves.
    func perform(
        _ body: (inout ControlClient, Output) throws(OperatorFault) -> ExitStatus
    ) throws {
        let output = outputOptions.output
        try output.perform { () throws(OperatorFault) in
            var client = ControlClient(place)
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
