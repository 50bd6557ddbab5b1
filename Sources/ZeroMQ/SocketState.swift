// SPDX-License-Identifier: Apache-2.0

internal import CZeroMQ

extension Socket {
    /// The endpoint last bound or connected, with the port the system chose; empty before.
    package var lastEndpoint: String {
        get throws(ZeroMQFault) {
            // libzmq's endpoints are shorter: a unix path of 107 bytes or a host name of 255.
            var text = [UInt8](repeating: 0, count: 1024)
            var size = text.count
            guard zmq_getsockopt(handle, ZMQ_LAST_ENDPOINT, &text, &size) == 0 else {
                throw .latest("read the endpoint of a socket")
            }
            return String(decoding: text.prefix { $0 != 0 }, as: UTF8.self)
        }
    }

    /// A descriptor that becomes readable when `events` may have changed (`ZMQ_FD`).
    ///
    /// Edge-triggered: after each wake-up, and after each send or receive, read `events` until
    /// nothing is left. `Poller` needs none of this.
    package var fileDescriptor: Int32 {
        get throws(ZeroMQFault) { try number(ZMQ_FD, "read the descriptor of a socket") }
    }

    /// What the socket is ready for at this moment (`ZMQ_EVENTS`).
    package var events: Readiness {
        get throws(ZeroMQFault) {
            Readiness(
                rawValue: Int16(
                    truncatingIfNeeded: try number(ZMQ_EVENTS, "read the state of a socket")
                )
            )
        }
    }

    private borrowing func number(
        _ option: Int32,
        _ operation: String
    ) throws(ZeroMQFault) -> Int32 {
        var value: Int32 = 0
        var size = MemoryLayout<Int32>.size
        while zmq_getsockopt(handle, option, &value, &size) != 0 {
            guard zmq_errno() == barid_eintr else { throw .latest(operation) }
        }
        return value
    }
}
