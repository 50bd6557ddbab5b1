// SPDX-License-Identifier: Apache-2.0

internal import CZeroMQ

/// A call of libzmq that did not succeed, with what it was about.
///
/// Expected outcomes (nothing to read, a full queue, an unknown peer) are results, never faults.
package struct ZeroMQFault: Error, Equatable, CustomStringConvertible {
    /// The error number as libzmq gives it; numbers above 156384712 are libzmq's own.
    package let errno: Int32
    /// What was attempted, in words that complete "could not …".
    package let operation: String
    /// The endpoint concerned, or nil where the call has none.
    package let endpoint: String?

    /// True if the context is shutting down: the socket can only be closed now.
    package var isTerminated: Bool { errno == barid_eterm }

    package var description: String {
        let place = endpoint.map { " \($0)" } ?? ""
        let reason = zmq_strerror(errno).map { String(cString: $0) } ?? "unknown error"
        return "could not \(operation)\(place): \(reason) (errno \(errno))"
    }

    /// The fault of the libzmq call that just failed on this thread.
    ///
    /// Traps on error numbers that only a defect of ours can produce: a closed socket, a bad
    /// address, a call out of turn.
    static func latest(_ operation: String, _ endpoint: String? = nil) -> ZeroMQFault {
        let number = zmq_errno()
        precondition(
            number != barid_enotsock && number != barid_efault && number != barid_efsm,
            "libzmq was called on a closed socket, with a bad address or out of turn"
        )
        return ZeroMQFault(errno: number, operation: operation, endpoint: endpoint)
    }
}
