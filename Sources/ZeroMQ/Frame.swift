// SPDX-License-Identifier: Apache-2.0

internal import CZeroMQ

/// One frame received from a socket: owns its bytes, and frees or reuses them.
///
/// Make one and receive into it again and again: libzmq releases the former content itself.
/// The `zmq_msg_t` stays at one address on the heap, because payloads of up to 33 bytes live
/// *inside* it (libzmq 4.3.4, `msg.hpp`, `max_vsm_size`) and would move with a copy.
package struct Frame: ~Copyable {
    let message: UnsafeMutablePointer<zmq_msg_t>

    /// An empty frame.
    package init() {
        message = .allocate(capacity: 1)
        message.initialize(to: zmq_msg_t())
        zmq_msg_init(message)
    }

    deinit {
        zmq_msg_close(message)
        message.deallocate()
    }

    /// Size of the content in bytes.
    package var count: Int { zmq_msg_size(message) }

    /// True if further frames of the same message follow this one.
    package var hasMore: Bool { zmq_msg_more(message) != 0 }

    /// Lends the content to `body`; the pointer is void once `body` returns.
    @inline(__always)
    package borrowing func withBytes<Result: ~Copyable, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try body(UnsafeRawBufferPointer(start: zmq_msg_data(message), count: count))
    }

    /// A property that libzmq attached to the connection, such as `User-Id`; nil if absent.
    ///
    /// Ask payload frames only: libzmq 4.3.4 loses the properties of a routing-id frame once
    /// the socket was polled (mended in 4.3.5).
    package borrowing func property(_ name: String) -> String? {
        zmq_msg_gets(message, name).map { String(cString: $0) }
    }

    /// Whether a property has this value; makes no text of it, for use on every message.
    ///
    /// Ask payload frames only, as `property`.
    package borrowing func hasProperty(_ name: StaticString, _ value: [CChar]) -> Bool {
        let found = name.withUTF8Buffer { bytes in
            bytes.withMemoryRebound(to: CChar.self) { zmq_msg_gets(message, $0.baseAddress) }
        }
        guard let found else { return false }
        return value.withUnsafeBufferPointer { value in
            value.baseAddress.map { strcmp(found, $0) == 0 } ?? false
        }
    }

    /// The descriptor of the connection the message came by, as the monitor reported it when it
    /// was accepted; nil if libzmq does not know (`ZMQ_SRCFD`).
    ///
    /// Ask payload frames only. The connection may have ended since, and its number be another's.
    package borrowing func sourceDescriptor() -> Int32? {
        let number = zmq_msg_get(message, ZMQ_SRCFD)
        return number >= 0 ? number : nil
    }
}
