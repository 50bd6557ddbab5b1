// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Platform
internal import Synchronization

/// The wish of a person or of the system that the program end: SIGINT or SIGTERM.
///
/// From its making on the first such signal no longer kills; the second does. A handler writes to a
/// descriptor that a thread of our own reads: a signal that is ignored, as a source of the system
/// wants it, is thrown away when the main thread happens to sleep without blocking it.
final class StopSignals {
    private static let numbers = [SIGINT, SIGTERM]
    private let reader: WorkerThread?
    private let wake: EventSignal?

    /// Calls `stop` at the first signal, on a thread of its own.
    ///
    /// Where descriptors or threads have run out the signals go on killing.
    init(_ stop: @escaping @Sendable () -> Void) {
        guard let wake = try? EventSignal() else {
            self.wake = nil
            reader = nil
            return
        }
        self.wake = wake
        isSignalled.store(false, ordering: .relaxed)
        descriptor.store(wake.fileDescriptor, ordering: .releasing)
        reader = try? WorkerThread(name: "barid-signals") {
            var slot = pollfd(fd: wake.fileDescriptor, events: Int16(POLLIN), revents: 0)
            while poll(&slot, 1, -1) < 0, errno == EINTR {}
            if isSignalled.load(ordering: .acquiring) { stop() }
        }
        guard reader != nil else { return }
        for number in Self.numbers { signal(number, noteSignal) }
    }

    deinit {
        for number in Self.numbers { signal(number, SIG_DFL) }
        descriptor.store(-1, ordering: .releasing)
        wake?.signal()
        reader?.join()
    }
}

/// Where the handler writes; -1 while nobody listens.
private let descriptor = Atomic<Int32>(-1)
/// Whether a signal came, and not the end of the listening.
private let isSignalled = Atomic<Bool>(false)

/// Does only what a handler may: atomics, `signal` and `write`.
private func noteSignal(_ number: Int32) {
    let fault = errno
    signal(SIGINT, SIG_DFL)
    signal(SIGTERM, SIG_DFL)
    isSignalled.store(true, ordering: .releasing)
    var one: UInt64 = 1
    _ = write(descriptor.load(ordering: .acquiring), &one, MemoryLayout<UInt64>.size)
    errno = fault
}
