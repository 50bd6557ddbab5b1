// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Control
import Glibc
import XES

struct ExportCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "export",
        abstract: "Write what happened in a form for other programs.",
        subcommands: [EventLog.self]
    )

    struct EventLog: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "xes",
            abstract: "Write the cases as an event log of IEEE 1849 (XES)."
        )

        @Option(help: "Only cases of this procedure.")
        var procedure: String?

        @Option(name: .shortAndLong, help: "File to write (default: standard output).")
        var output: String?

        @OptionGroup var connection: ConnectionOptions

        func validate() throws {
            guard connection.outputOptions.json, output == nil else { return }
            throw ValidationError("--json needs -o: the event log itself is XML.")
        }

        func run() throws {
            try connection.perform { (client, shown) throws(OperatorFault) in
                guard let path = output else {
                    _ = try export(&client, to: STDOUT_FILENO)
                    return .done
                }
                let file = try PartialFile(path: path)
                let count = try export(&client, to: file.descriptor)
                try file.complete()
                try shown.show(count, schema: "export.xes") { ["\(count.rows) cases"] }
                return .done
            }
        }

        private func export(
            _ client: inout ControlClient,
            to descriptor: Int32
        ) throws(OperatorFault) -> RowCount {
            var writer = EventLogWriter(descriptor: descriptor)
            let count = try client.request(
                .exportTraces,
                ExportArguments(procedure: procedure),
                seconds: nil,
                result: RowCount.self
            ) { (row: ExportTrace) throws(OperatorFault) in
                do throws(EventLogFault) {
                    try writer.write(Trace(row))
                } catch {
                    throw OperatorFault(error)
                }
            }
            do throws(EventLogFault) {
                try writer.finish()
            } catch {
                throw OperatorFault(error)
            }
            return count
        }
    }
}

extension Trace {
    /// A case as event logs have it: named by the agency's own file number, or by its case number
    /// if it has none.
    init(_ row: ExportTrace) {
        var attributes = [Attribute(key: "startdate", instant: row.openedAt.milliseconds)]
        attributes.append(
            row.dueAt.flatMap { Attribute(key: "deadline", instant: $0.milliseconds) }
        )
        attributes.append(
            row.closedAt.flatMap { Attribute(key: "enddate", instant: $0.milliseconds) }
        )
        attributes.append(
            row.erasedAt.flatMap { Attribute(key: "erased", instant: $0.milliseconds) }
        )
        attributes.append(Attribute(key: "case-number", value: row.number))
        let taken = Set(attributes.compactMap { $0?.key })
        for attribute in row.attributes where !taken.contains(attribute.name) {
            attributes.append(Attribute(key: attribute.name, value: attribute.value))
        }
        self.init(
            name: row.reference.isEmpty ? row.number : row.reference,
            attributes: attributes.compactMap(\.self),
            events: row.events.map {
                Event(
                    activity: $0.activity,
                    group: $0.group,
                    resource: $0.resource,
                    instant: $0.instant.milliseconds
                )
            }
        )
    }
}

extension OperatorFault {
    fileprivate init(_ fault: EventLogFault) {
        self.init(
            code: fault.code == .unwritable ? "unwritableFile" : "notExportable",
            exit: .failed,
            text: fault.description
        )
    }
}

/// A file that has its name only once it is complete; one left incomplete is removed.
private struct PartialFile: ~Copyable {
    let descriptor: Int32
    private let path: String
    private let partialPath: String

    init(path: String) throws(OperatorFault) {
        self.path = path
        partialPath = "\(path).partial"
        descriptor = open(partialPath, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o640)
        guard descriptor >= 0 else { throw Self.fault(partialPath) }
    }

    consuming func complete() throws(OperatorFault) {
        guard fsync(descriptor) == 0, rename(partialPath, path) == 0 else {
            throw Self.fault(path)
        }
    }

    deinit {
        _ = close(descriptor)
        _ = unlink(partialPath)
    }

    private static func fault(_ path: String) -> OperatorFault {
        let reason = strerror(errno).map { String(cString: $0) } ?? "unknown error"
        return OperatorFault(
            code: "unwritableFile",
            exit: .failed,
            text: "\(path) cannot be written: \(reason). Make room or choose another place."
        )
    }
}
