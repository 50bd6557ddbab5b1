// SPDX-License-Identifier: Apache-2.0

internal import Glibc
package import Platform
internal import Synchronization

/// The daemon's end of the control socket: one thread that accepts, and one for each connection.
package final class ControlServer: Sendable {
    private let commands: any OperatorCommands
    private let limits: ControlLimits
    private let door: ControlDoor
    private let stopMark: StopMark
    /// Given by every connection as it ends.
    private let endSignal: EventSignal
    private let acceptor = Mutex<ServingThread?>(nil)

    /// A server that does not listen yet.
    ///
    /// - Throws: `SystemFault` if the limit of open descriptors is reached.
    package init(
        commands: any OperatorCommands,
        limits: ControlLimits = ControlLimits(),
        door: ControlDoor = ControlDoor(.control)
    ) throws(SystemFault) {
        self.commands = commands
        self.limits = limits
        self.door = door
        stopMark = try StopMark()
        endSignal = try EventSignal()
    }

    /// Listens at `path`, open to whom the door admits, and returns; requests are answered from then
    /// on.
    ///
    /// Call it once.
    ///
    /// - Throws: `SystemFault`, with advice, if the path cannot be listened at.
    package func start(path: String) throws(SystemFault) {
        let listener = ListenerBox(
            try UnixListener(path: path, mode: door.mode, group: door.group)
        )
        let thread = try ServingThread(name: "control", endSignal: nil) { [self] in
            accept(from: listener)
        }
        acceptor.withLock { $0 = thread }
    }

    /// Stops listening, and returns when all threads have ended.
    ///
    /// Each connection finishes the request it is at, but for rows still to come: those end with
    /// `stopping`. A server that never started, or has stopped, is left as it is.
    package func stop() {
        stopMark.set()
        acceptor.withLock { $0.take() }?.join()
    }

    private func accept(from listener: ListenerBox) {
        var connections: [ServingThread] = []
        while waitForConnection(at: listener) {
            endSignal.drain()
            connections.removeAll { $0.joinIfEnded() }
            admit(from: listener, to: &connections)
        }
        for connection in connections { connection.join() }
    }

    /// Waits for a connection to begin or to end; false once the server is to stop.
    private func waitForConnection(at listener: ListenerBox) -> Bool {
        let readable = Int16(POLLIN)
        var entries = [
            pollfd(fd: stopMark.fileDescriptor, events: readable, revents: 0),
            pollfd(fd: endSignal.fileDescriptor, events: readable, revents: 0),
            pollfd(fd: listener.fileDescriptor, events: readable, revents: 0),
        ]
        _ = poll(&entries, nfds_t(entries.count), -1)
        return entries[0].revents == 0
    }

    private func admit(from listener: ListenerBox, to connections: inout [ServingThread]) {
        do throws(SystemFault) {
            while let connection = try listener.accept(limits: limits, stop: stopMark) {
                guard connections.count < limits.connectionsMax else {
                    connection.refuse(.tooManyConnections(limits.connectionsMax))
                    continue
                }
                connections.append(
                    try ServingThread(name: "control.peer", endSignal: endSignal) {
                        [commands, door] in connection.serve(commands, at: door)
                    }
                )
            }
        } catch {
            // Descriptors, memory or threads are used up. The rest waits in the system's queue;
            // a pause keeps this thread from spinning on a listener that stays readable.
            var entry = pollfd(fd: stopMark.fileDescriptor, events: Int16(POLLIN), revents: 0)
            _ = poll(&entry, 1, 100)
        }
    }
}

/// The listener, on its way to the thread that accepts.
private final class ListenerBox: Sendable {
    private let listener: Mutex<UnixListener>
    let fileDescriptor: Int32

    init(_ listener: consuming sending UnixListener) {
        fileDescriptor = listener.fileDescriptor
        self.listener = Mutex(listener)
    }

    func accept(
        limits: ControlLimits,
        stop: StopMark
    ) throws(SystemFault) -> ControlConnection? {
        try listener.withLock { listener throws(SystemFault) in
            guard let stream = try listener.accept() else { return nil }
            return ControlConnection(stream: stream, limits: limits, stop: stop)
        }
    }
}

/// A thread that says when its work is done, so that joining it does not wait.
private final class ServingThread: Sendable {
    private let thread: Mutex<WorkerThread?>
    private let end = EndMark()

    init(
        name: String,
        endSignal: EventSignal?,
        body: @escaping @Sendable () -> Void
    ) throws(SystemFault) {
        thread = Mutex(
            try WorkerThread(name: name, stackBytes: 4 << 20) { [end] in
                body()
                // The mark first: whoever the signal wakes must find it.
                end.isReached.store(true, ordering: .releasing)
                endSignal?.signal()
            }
        )
    }

    func joinIfEnded() -> Bool {
        guard end.isReached.load(ordering: .acquiring) else { return false }
        join()
        return true
    }

    func join() {
        thread.withLock { $0.take()?.join() }
    }
}

/// Reached when a thread's work is done.
private final class EndMark: Sendable {
    let isReached = Atomic(false)
}
