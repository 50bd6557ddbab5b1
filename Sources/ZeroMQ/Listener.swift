// SPDX-License-Identifier: Apache-2.0

internal import CAccept

/// A bound descriptor of a socket, at which newcomers are let in at a bounded pace while this lives.
///
/// libzmq shakes hands on the thread that carries everybody's bytes: 200 newcomers a second, 4 of them
/// at once, leave it time for those who are in. The others wait in the system's queue, the first first.
package final class Listener: Sendable {
    private let descriptor: Int32

    init(_ descriptor: Int32) {
        self.descriptor = descriptor
        barid_pace(descriptor)
    }

    deinit {
        barid_unpace(descriptor)
    }

    /// Whether some listener could accept nobody, since this was last asked, as descriptors have run
    /// out.
    package static var fellShort: Bool { barid_accept_fell_short() }
}

extension Monitor {
    /// Where the watched socket accepts connections; to be asked when it has just been bound.
    ///
    /// - Throws: `ZeroMQFault`.
    package borrowing func listener() throws(ZeroMQFault) -> Listener? {
        while let event = try next() {
            if case .listening(let descriptor) = event { return Listener(descriptor) }
        }
        return nil
    }
}
