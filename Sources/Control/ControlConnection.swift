// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Platform
internal import Synchronization

/// One operator's connection, from the first request to the last.
final class ControlConnection: Sendable {
    private let stream: Mutex<UnixStream?>
    private let limits: ControlLimits
    private let stop: StopMark

    init(stream: consuming sending UnixStream, limits: ControlLimits, stop: StopMark) {
        self.stream = Mutex(stream)
        self.limits = limits
        self.stop = stop
    }

    /// Answers requests until the operator goes, is silent for too long, or the server stops; then
    /// closes the connection.
    func serve(_ commands: any OperatorCommands, at door: ControlDoor) {
        converse { [limits, stop] stream throws(OperatorFault) in
            let outlet = Outlet(stall: limits.stallMilliseconds, stop: stop)
            guard try stream.isAdmitted(by: door) else {
                return try outlet.write(Reply.line(.notAdmitted(at: door), id: 0), to: stream)
            }
            let dispatch = Dispatch(
                commands: commands,
                identity: try stream.operatorIdentity,
                kind: door.kind,
                stop: stop
            )
            var inlet = Inlet(limits: limits, stop: stop)
            while let request = try inlet.request(from: stream) {
                switch request {
                case .line(let line):
                    try dispatch.answer(
                        line,
                        pause: { milliseconds in
                            stream.idle(orUntil: stop, milliseconds: milliseconds)
                        },
                        send: { reply throws(OperatorFault) in
                            try outlet.write(reply, to: stream)
                        }
                    )
                case .refused(let fault):
                    try outlet.write(Reply.line(fault, id: 0), to: stream)
                }
            }
        }
    }

    /// Says why nothing will be answered, and closes the connection.
    func refuse(_ fault: OperatorFault) {
        converse { stream throws(OperatorFault) in
            // One try: a peer that does not read must not hold up the next one.
            _ = try? Reply.line(fault, id: 0).withUnsafeBytes { try stream.write($0) }
        }
    }

    private func converse(_ body: (borrowing UnixStream) throws(OperatorFault) -> Void) {
        stream.withLock { stream in
            guard let open = stream.take() else { return }
            // What ends a conversation early is that nobody is there to be told.
            try? body(open)
        }
    }
}

/// Takes request lines from a connection.
private struct Inlet {
    enum Request {
        case line([UInt8])
        case refused(OperatorFault)
    }

    private let limits: ControlLimits
    private let stop: StopMark
    private var lines: LineReader
    private var buffer = [UInt8](repeating: 0, count: 16 << 10)
    private var hasEnded = false

    init(limits: ControlLimits, stop: StopMark) {
        self.limits = limits
        self.stop = stop
        lines = LineReader(lineBytesMax: limits.requestBytesMax)
    }

    /// The next request; nil where none will come.
    ///
    /// The time for it runs from this call, so that dripping bytes do not prolong it.
    mutating func request(from stream: borrowing UnixStream) throws(OperatorFault) -> Request? {
        let deadline = Clock.monotonicMilliseconds() + limits.requestMilliseconds
        while !hasEnded {
            switch lines.next() {
            case .line(let line) where line.allSatisfy(isBlank): continue
            case .line(let line): return .line(line)
            case .tooLong: return .refused(.requestTooLarge(limits.requestBytesMax))
            case .nothing: break
            }
            let rest = deadline - Clock.monotonicMilliseconds()
            guard rest > 0 else {
                hasEnded = true
                return .refused(.idle(limits.requestMilliseconds))
            }
            guard stream.wait(for: POLLIN, orUntil: stop, milliseconds: rest) != .stopped else {
                return nil
            }
            try read(from: stream)
            if hasEnded && lines.holdsPart {
                return .refused(
                    .malformed("The request ended before its line did; end it with a newline.")
                )
            }
        }
        return nil
    }

    private mutating func read(from stream: borrowing UnixStream) throws(OperatorFault) {
        do throws(SystemFault) {
            let result = try buffer.withUnsafeMutableBufferPointer {
                buffer throws(SystemFault) in
                try stream.read(into: UnsafeMutableRawBufferPointer(buffer))
            }
            switch result {
            case .bytes(let count): lines.append(buffer[..<count])
            case .wouldBlock: break
            case .ended: hasEnded = true
            }
        } catch {
            throw .gone
        }
    }
}

/// Writes replies to a connection, waiting for the operator to read.
private struct Outlet {
    private let stall: Int64
    private let stop: StopMark

    init(stall: Int64, stop: StopMark) {
        self.stall = stall
        self.stop = stop
    }

    func write(_ reply: [UInt8], to stream: borrowing UnixStream) throws(OperatorFault) {
        var rest = reply[...]
        while !rest.isEmpty {
            let count = try part(rest, to: stream)
            rest = rest.dropFirst(count)
            guard count == 0 else { continue }
            let news = stream.wait(for: POLLOUT, orUntil: stop, milliseconds: stall)
            guard news == .ready else { throw .gone }
        }
    }

    private func part(
        _ bytes: ArraySlice<UInt8>,
        to stream: borrowing UnixStream
    ) throws(OperatorFault) -> Int {
        do throws(SystemFault) {
            return try bytes.withUnsafeBufferPointer { bytes throws(SystemFault) in
                try stream.write(UnsafeRawBufferPointer(bytes))
            }
        } catch {
            throw .gone
        }
    }
}

private enum News {
    case ready
    case timedOut
    case stopped
}

extension UnixStream {
    fileprivate borrowing func wait(
        for event: Int32,
        orUntil stop: StopMark,
        milliseconds: Int64
    ) -> News {
        var entries = [
            pollfd(fd: stop.fileDescriptor, events: Int16(POLLIN), revents: 0),
            pollfd(fd: fileDescriptor, events: Int16(event), revents: 0),
        ]
        let count = poll(&entries, nfds_t(entries.count), Int32(clamping: milliseconds))
        if entries[0].revents != 0 { return .stopped }
        // A signal that interrupts the wait is taken for news: the caller looks and waits again.
        return count == 0 ? .timedOut : .ready
    }

    /// Waits while nothing is to be told; false once the operator has gone or the server stops.
    fileprivate borrowing func idle(orUntil stop: StopMark, milliseconds: Int64) -> Bool {
        // No event is asked for: what the operator sends meanwhile waits for its turn.
        guard wait(for: 0, orUntil: stop, milliseconds: milliseconds) != .stopped else {
            return false
        }
        return !hasHungUp
    }

    fileprivate borrowing func isAdmitted(by door: ControlDoor) throws(OperatorFault) -> Bool {
        do throws(SystemFault) {
            let peer = try peerCredentials
            return door.admits(user: peer.userID, groups: [peer.groupID] + (try peerGroups))
        } catch {
            throw .gone
        }
    }

    fileprivate var operatorIdentity: OperatorIdentity {
        get throws(OperatorFault) {
            do throws(SystemFault) {
                let peer = try peerCredentials
                return OperatorIdentity(uid: peer.userID, gid: peer.groupID, pid: peer.processID)
            } catch {
                throw .gone
            }
        }
    }
}

private func isBlank(_ byte: UInt8) -> Bool {
    byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") || byte == UInt8(ascii: "\r")
}

extension OperatorFault {
    /// Nobody is at the other end; never sent.
    fileprivate static let gone = OperatorFault(
        code: "gone",
        exit: .unreachable,
        text: "The operator has closed the connection."
    )

    fileprivate static func requestTooLarge(_ bytesMax: Int) -> OperatorFault {
        OperatorFault(
            code: "requestTooLarge",
            exit: .badData,
            text: "A request line has at most \(bytesMax) bytes; this one was thrown away."
        )
    }

    fileprivate static func idle(_ milliseconds: Int64) -> OperatorFault {
        OperatorFault(
            code: "idle",
            exit: .busy,
            text: """
                No whole request line came within \(milliseconds) ms, so the connection is closed; \
                connect again when there is something to ask.
                """
        )
    }

    static func tooManyConnections(_ countMax: Int) -> OperatorFault {
        OperatorFault(
            code: "tooManyConnections",
            exit: .busy,
            text: """
                \(countMax) operators are connected, which is the limit; try again when one of \
                them is done.
                """
        )
    }

    /// The server stops while rows are still to come.
    static let stopping = OperatorFault(
        code: "stopping",
        exit: .busy,
        text: "The daemon is stopping; what was sent so far is not the whole answer. Ask again."
    )
}
