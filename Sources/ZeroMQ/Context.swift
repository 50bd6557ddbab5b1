// SPDX-License-Identifier: Apache-2.0

internal import CZeroMQ

/// The I/O threads of libzmq and what they share; every socket holds its context alive.
///
/// A class because sockets share it: libzmq's termination waits for every socket to close, so the
/// last socket, not the owner of the context, must be what releases it. The calls made here are
/// thread-safe in libzmq (`zmq_ctx_new(3)`), which is what makes the class `Sendable`.
package final class Context: Sendable {
    nonisolated(unsafe) let handle: UnsafeMutableRawPointer

    /// Starts a context whose termination never waits for unsent messages (`ZMQ_BLOCKY` = 0).
    ///
    /// - Parameters:
    ///   - ioThreadCount: Threads that move bytes, 1 or more; one carries about 1 GB/s.
    ///   - socketCountMax: Sockets open at once, 1 or more; counts sockets, not peers.
    /// - Throws: `ZeroMQFault` if libzmq refuses a value or has no memory or descriptors left.
    package init(ioThreadCount: Int32 = 1, socketCountMax: Int32 = 64) throws(ZeroMQFault) {
        guard let handle = zmq_ctx_new() else { throw .latest("start a ZeroMQ context") }
        self.handle = handle
        try set(ZMQ_IO_THREADS, ioThreadCount, "set the number of I/O threads")
        try set(ZMQ_MAX_SOCKETS, socketCountMax, "set the number of sockets")
        try set(ZMQ_BLOCKY, 0, "make ZeroMQ's shutdown prompt")
    }

    deinit {
        while zmq_ctx_term(handle) != 0, zmq_errno() == barid_eintr {}
    }

    /// Makes every blocked or future call on this context's sockets fail with `isTerminated`.
    ///
    /// May be called from any thread; the sockets must still be closed by their owners.
    package func shutdown() {
        _ = zmq_ctx_shutdown(handle)
    }

    private func set(
        _ option: Int32,
        _ value: Int32,
        _ operation: String
    ) throws(ZeroMQFault) {
        guard zmq_ctx_set(handle, option, value) == 0 else { throw .latest(operation) }
    }
}
