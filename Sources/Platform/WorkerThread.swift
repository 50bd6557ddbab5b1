// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// A named thread of our own, outside Swift's pool, that may block.
///
/// Must be joined: dropping it unjoined is a defect and traps, since its work would then go on
/// behind the back of whoever believes it ended. Joined by the thread that owns it, hence not
/// `Sendable`.
package final class WorkerThread {
    private let thread: pthread_t
    private var isJoined = false

    /// Starts a thread that runs `body` once.
    ///
    /// - Parameters:
    ///   - name: At most 15 bytes are shown by `ps` and `top`.
    ///   - stackBytes: Size of its stack, at least 64 KiB.
    ///   - body: The work. What belongs to the thread alone is best made inside.
    /// - Throws: `SystemFault` if the system's limit of threads or memory is reached.
    package init(
        name: String,
        stackBytes: Int = 1 << 20,
        body: @escaping @Sendable () -> Void
    ) throws(SystemFault) {
        precondition(stackBytes >= 1 << 16, "a thread needs a stack of at least 64 KiB")
        let work = Unmanaged.passRetained(Work(name: name, body: body))
        var attributes = pthread_attr_t()
        pthread_attr_init(&attributes)
        defer { pthread_attr_destroy(&attributes) }
        pthread_attr_setstacksize(&attributes, stackBytes)
        var started = pthread_t()
        let status = pthread_create(&started, &attributes, { Work.run($0) }, work.toOpaque())
        guard status == 0 else {
            work.release()
            throw SystemFault(errno: status, operation: "start the thread", path: name)
        }
        thread = started
    }

    deinit {
        precondition(isJoined, "a worker thread was dropped without being joined")
    }

    /// Waits until the work is done; once only.
    package func join() {
        precondition(!isJoined, "a worker thread was joined twice")
        let status = pthread_join(thread, nil)
        precondition(status == 0, "a worker thread cannot be joined (errno \(status))")
        isJoined = true
    }
}

/// What travels to the new thread.
private final class Work {
    private let name: String
    private let body: @Sendable () -> Void

    init(name: String, body: @escaping @Sendable () -> Void) {
        self.name = name
        self.body = body
    }

    static func run(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
        guard let argument else { return nil }
        let work = Unmanaged<Work>.fromOpaque(argument).takeRetainedValue()
        // The kernel refuses longer names.
        let shown = String(decoding: work.name.utf8.prefix(15), as: UTF8.self)
        _ = LinuxCalls.nameThread(pthread_self(), shown)
        work.body()
        return nil
    }
}
