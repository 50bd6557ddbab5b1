// SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials
internal import Glibc
internal import Platform

/// The operator's end of the control sockets: one request after another over one connection.
package struct ControlClient: ~Copyable {
    /// Where the daemon listens.
    package enum Place: Equatable, Sendable {
        /// This socket, whatever is asked.
        case socket(String)
        /// The two sockets of a directory: what only looks goes to `observe.sock` where that admits
        /// us, everything else to `control.sock`.
        case directory(String)
    }

    private let place: Place
    private var road: Road?
    private var lines = LineReader(lineBytesMax: ControlLimits.replyBytesMax)
    private var number: Int64 = 0

    /// A connection, and what may be asked over it.
    private final class Road {
        let stream: UnixStream
        let kind: ControlDoor.Kind

        init(_ path: String, _ kind: ControlDoor.Kind) throws(SystemFault) {
            stream = try UnixStream(connectingTo: path)
            self.kind = kind
        }
    }

    /// Connects to the daemon that listens at `path`.
    ///
    /// - Throws: `OperatorFault` with `daemonUnreachable` and `unreachable`, or `notPermitted`.
    package init(path: String) throws(OperatorFault) {
        self.init(.socket(path))
        road = try Self.connect(path, .control)
    }

    /// A client that connects with its first request, to the socket that fits it.
    package init(_ place: Place) { self.place = place }

    private static func connect(
        _ path: String,
        _ kind: ControlDoor.Kind
    ) throws(OperatorFault) -> Road {
        do {
            return try Road(path, kind)
        } catch {
            throw .connecting(error, path: path)
        }
    }

    /// The connection over which a command may be asked.
    private mutating func road(for command: CommandName) throws(OperatorFault) -> Road {
        if let road, road.kind == .control || command.isObservable { return road }
        let found: Road
        switch place {
        case .socket(let path): found = try Self.connect(path, .control)
        case .directory(let directory):
            let base = directory.hasSuffix("/") ? directory : directory + "/"
            let control = base + ControlDoor.Kind.control.fileName
            let observe = base + ControlDoor.Kind.observe.fileName
            if command.isObservable, let road = try? Self.connect(observe, .observe) {
                found = road
            } else {
                found = try Self.connect(control, .control)
            }
        }
        road = found
        lines = LineReader(lineBytesMax: ControlLimits.replyBytesMax)
        return found
    }

    /// Asks for something whose answer is one result.
    ///
    /// - Parameters:
    ///   - command: What to do.
    ///   - arguments: With what.
    ///   - reason: Why; goes into the journal with every act that changes something.
    ///   - seconds: How long the daemon may be silent, 1...1 000 000; nil for as long as it takes.
    ///   - result: What the answer is to be read as.
    /// - Returns: The result.
    /// - Throws: The fault the daemon answers with, or that of a connection that broke.
    package mutating func request<Result: Codable>(
        _ command: CommandName,
        _ arguments: some CommandArguments = NoArguments(),
        reason: String? = nil,
        seconds: Int? = 60,
        result: Result.Type = Result.self
    ) throws(OperatorFault) -> Result {
        try request(command, arguments, reason: reason, seconds: seconds) {
            (_: NoArguments) throws(OperatorFault) in
        }
    }

    /// Asks for something whose answer is rows and a result.
    ///
    /// - Parameters:
    ///   - command: What to do.
    ///   - arguments: With what.
    ///   - reason: Why; goes into the journal with every act that changes something.
    ///   - seconds: How long the daemon may be silent, 1...1 000 000; nil for as long as it takes.
    ///   - result: What the final line is to be read as.
    ///   - each: Called with each row as it arrives.
    /// - Returns: The result.
    /// - Throws: The fault the daemon answers with, that of a connection that broke, or what `each`
    ///   throws. After a broken connection or a fault of `each` the client is of no more use.
    package mutating func request<Row: Codable, Result: Codable>(
        _ command: CommandName,
        _ arguments: some CommandArguments = NoArguments(),
        reason: String? = nil,
        seconds: Int? = 60,
        result: Result.Type = Result.self,
        each: (Row) throws(OperatorFault) -> Void
    ) throws(OperatorFault) -> Result {
        let road = try send(command, arguments, reason: reason, seconds: seconds)
        return try answer(from: road) { line throws(OperatorFault) in
            guard let row = Self.read(Reply.Row<Row>.self, line) else { return false }
            try each(row.row)
            return true
        }
    }

    /// The rows of a command that answers with rows and their count, each as JSON on one line with its
    /// keys in alphabetical order: mostly as the daemon wrote it, which spares reading it.
    ///
    /// - Throws: The fault the daemon answers with, or that of a connection that broke.
    package mutating func rowsAsJSON<Row: Codable>(
        _ command: CommandName,
        _ arguments: some CommandArguments = NoArguments(),
        of type: Row.Type
    ) throws(OperatorFault) -> [[UInt8]] {
        let road = try send(command, arguments, reason: nil, seconds: 60)
        var rows: [[UInt8]] = []
        let _: RowCount = try answer(from: road) { line throws(OperatorFault) in
            if let row = line.withUnsafeBytes({ Reply.rowAsWritten(in: $0) }) {
                rows.append(row)
                return true
            }
            guard let row = Self.read(Reply.Row<Row>.self, line) else { return false }
            rows.append(try Reply.line(row.row).dropLast())
            return true
        }
        return rows
    }

    private mutating func send(
        _ command: CommandName,
        _ arguments: some CommandArguments,
        reason: String?,
        seconds: Int?
    ) throws(OperatorFault) -> Road {
        let road = try road(for: command)
        number += 1
        let line = try Reply.line(
            Outgoing(id: number, cmd: command.rawValue, args: arguments, reason: reason)
        )
        do {
            try road.stream.setReceiveTimeout(milliseconds: (seconds ?? 0) * 1000)
            try line.withUnsafeBufferPointer { bytes throws(SystemFault) in
                try road.stream.writeAll(UnsafeRawBufferPointer(bytes))
            }
        } catch {
            // The daemon may have said why it hung up: a limit of connections, for one.
            guard let fault = (try? nextLine(road.stream)).flatMap(Self.refusal(in:)) else {
                throw .broken(error)
            }
            throw fault
        }
        return road
    }

    /// Reads to the end of an answer; `each` says whether a line is a row.
    private mutating func answer<Result: Codable>(
        from road: Road,
        each: (Data) throws(OperatorFault) -> Bool
    ) throws(OperatorFault) -> Result {
        while true {
            let line = try nextLine(road.stream)
            if try each(line) { continue }
            if let final = Self.read(Reply.Done<Result>.self, line) { return final.result }
            throw Self.refusal(in: line) ?? .foreignReply
        }
    }

    private static func read<Content: Decodable>(_ type: Content.Type, _ line: Data) -> Content? {
        try? JSONDecoder().decode(type, from: line)
    }

    private static func refusal(in line: Data) -> OperatorFault? {
        guard let refused = read(Reply.Refused.self, line), !refused.ok else { return nil }
        return OperatorFault(code: refused.code, status: refused.exit, text: refused.text)
    }

    private mutating func nextLine(
        _ stream: borrowing UnixStream
    ) throws(OperatorFault) -> Data {
        while true {
            switch lines.next() {
            case .line(let line): return Data(line)
            case .tooLong: throw .foreignReply
            case .nothing: try readMore(stream)
            }
        }
    }

    private mutating func readMore(_ stream: borrowing UnixStream) throws(OperatorFault) {
        let result: ReadResult
        var buffer = [UInt8](repeating: 0, count: 64 << 10)
        do throws(SystemFault) {
            result = try buffer.withUnsafeMutableBufferPointer {
                buffer throws(SystemFault) in
                try stream.read(into: UnsafeMutableRawBufferPointer(buffer))
            }
        } catch {
            throw .broken(error)
        }
        switch result {
        case .bytes(let count): lines.append(buffer[..<count])
        case .wouldBlock: throw .silent
        case .ended: throw .ended
        }
    }
}

/// A request as it is written.
private struct Outgoing<Arguments: Encodable>: Encodable {
    var v = Request.version
    var id: Int64
    var cmd: String
    var args: Arguments
    var reason: String?
}

extension OperatorFault {
    fileprivate static func connecting(_ fault: SystemFault, path: String) -> OperatorFault {
        switch fault.errno {
        case EACCES, EPERM:
            OperatorFault(
                code: "notPermitted",
                exit: .notPermitted,
                text: """
                    You may not use the socket \(path): it is open to the daemon's user and one \
                    group. Ask an administrator to add you to that group.
                    """
            )
        case EAGAIN:
            OperatorFault(
                code: "busy",
                exit: .busy,
                text: "The daemon has too many connections waiting at \(path); try again."
            )
        default:
            OperatorFault(
                code: "daemonUnreachable",
                exit: .unreachable,
                text: """
                    No daemon answers at \(path) (\(fault)). Start baridd, or name its data \
                    directory with --data.
                    """
            )
        }
    }

    fileprivate static func broken(_ fault: SystemFault) -> OperatorFault {
        OperatorFault(
            code: "daemonUnreachable",
            exit: .unreachable,
            text: "The connection to the daemon broke (\(fault)); \(Self.lookFirst)"
        )
    }

    fileprivate static let ended = OperatorFault(
        code: "daemonUnreachable",
        exit: .unreachable,
        text: "The daemon closed the connection before its answer was complete; \(lookFirst)"
    )

    fileprivate static let silent = OperatorFault(
        code: "silent",
        exit: .busy,
        text: "The daemon has not answered in time; \(lookFirst)"
    )

    fileprivate static let foreignReply = OperatorFault(
        code: "foreignReply",
        exit: .failed,
        text: """
            The daemon answered in a form this program does not know; use the baridctl that came \
            with the daemon.
            """
    )

    private static let lookFirst = """
        what was asked may have been done or not. Look with baridctl status and repeat the command.
        """
}
