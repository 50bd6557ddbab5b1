// SPDX-License-Identifier: Apache-2.0

internal import Platform

/// Watches how much each connection has sent of a message that has no end yet.
///
/// libzmq gathers all frames of a message before it hands over any, without a limit to their sum. Here
/// the kernel tells at which connections bytes arrive, at most every few milliseconds; who has sent a
/// finished message since the last look is not looked at further. Over TCP the kernel also tells how
/// much arrived. Unix sockets have no such count: there the growth of this process is what is seen.
/// Confined to the bus thread.
final class MessageWatch {
    /// Pause between looks, in milliseconds: what a peer can push through in that time, beyond the
    /// limit, is what it can make libzmq hold.
    static let pauseMilliseconds: Int64 = 2
    /// Connections looked at in one look; the kernel keeps the others in the order of their arrivals.
    static let looksMax = 64

    private struct Connection {
        var isOpen = false
        /// Whether a finished message came since the last look.
        var hasSpoken = false
        /// Where the unfinished message was first seen; nil between messages.
        var begin: Mark?
        /// Looks since then that found more of it.
        var arrivalCount = 0
        /// Whether the last look found it too long.
        var isSuspect = false
    }

    private enum Mark {
        /// Bytes read from TCP.
        case read(UInt64)
        /// Bytes of memory this process had, and bytes of finished messages taken by then.
        case resident(UInt64, taken: UInt64)
    }

    private let arrivals: ArrivalWatch
    private let memory: ResidentMemory
    private let messageBytesMax: UInt64
    /// By descriptor, which the system keeps small.
    private var connections: [Connection] = []
    /// Connections to look at again, as the last look could not tell.
    private var doubtful: [Int32] = []
    private var found: [Int32] = []
    private(set) var nextLook: Int64 = .min

    /// A watch over nothing yet.
    ///
    /// - Parameter messageBytesMax: Bytes of the largest message that anybody may send.
    /// - Throws: `SystemFault` if no descriptor is left.
    init(messageBytesMax: Int) throws(SystemFault) {
        arrivals = try ArrivalWatch()
        memory = try ResidentMemory()
        self.messageBytesMax = UInt64(messageBytesMax)
    }

    /// What memory may grow by for other reasons while a message is on its way, in bytes.
    private static let growthBytesMax: UInt64 = 8 << 20

    /// Readable while bytes have arrived somewhere.
    var fileDescriptor: Int32 { arrivals.fileDescriptor }

    /// Whether the last look left something open that the next one tells.
    var isInDoubt: Bool { !doubtful.isEmpty }

    /// A connection was accepted.
    func enter(_ descriptor: Int32) {
        guard descriptor >= 0 else { return }
        while connections.count <= Int(descriptor) { connections.append(Connection()) }
        connections[Int(descriptor)] = Connection(isOpen: true)
        arrivals.add(descriptor)
    }

    /// A connection has ended; its descriptor may be another's from now on.
    func leave(_ descriptor: Int32) {
        guard connections.indices.contains(Int(descriptor)) else { return }
        connections[Int(descriptor)].isOpen = false
    }

    /// Notes that a finished message came; called for every one.
    func heard(_ descriptor: Int32) {
        guard connections.indices.contains(Int(descriptor)) else { return }
        connections[Int(descriptor)].hasSpoken = true
    }

    /// Looks at the connections where bytes arrived since the last look.
    ///
    /// libzmq hands over what it has read of a connection before it reads on. So of all that a look
    /// finds to be read, one message may not have been handed over yet; a second one would be taken
    /// before the next look. Who is found to be two messages over at one look, and has not spoken by
    /// the next, which follows at once, sends one message without end.
    ///
    /// - Parameters:
    ///   - now: Milliseconds that never go back.
    ///   - areGatesEmpty: Whether every finished message has been taken from libzmq: only then is what
    ///     was received and not delivered part of an unfinished message.
    ///   - takenBytes: Bytes of all finished messages so far.
    /// - Returns: Connections that must be cut.
    func look(now: Int64, areGatesEmpty: Bool, takenBytes: UInt64) -> [Int32] {
        nextLook = now + Self.pauseMilliseconds
        found.removeAll(keepingCapacity: true)
        swap(&found, &doubtful)
        arrivals.take(countMax: Self.looksMax, into: &found)
        var guilty: [Int32] = []
        var local: (descriptor: Int32, arrivalCount: Int)?
        for descriptor in found where connections.indices.contains(Int(descriptor)) {
            var connection = connections[Int(descriptor)]
            guard connection.isOpen else { continue }
            if connection.hasSpoken {
                // Whatever it is in the middle of began after the last look.
                connections[Int(descriptor)] = Connection(isOpen: true)
                continue
            }
            guard areGatesEmpty else {
                if doubtful.count < Self.looksMax { doubtful.append(descriptor) }
                continue
            }
            connection.arrivalCount += 1
            let wasSuspect = connection.isSuspect
            connection.isSuspect =
                wasSuspect || measure(&connection, descriptor, takenBytes: takenBytes)
            connections[Int(descriptor)] = connection
            guard connection.isSuspect else { continue }
            guard wasSuspect else {
                doubtful.append(descriptor)
                nextLook = now
                continue
            }
            if case .read = connection.begin {
                guilty.append(descriptor)
            } else if connection.arrivalCount > local?.arrivalCount ?? 1 {
                local = (descriptor, connection.arrivalCount)
            }
        }
        if let local {
            // The growth was this one's; the others begin anew.
            guilty.append(local.descriptor)
            for descriptor in found where connections.indices.contains(Int(descriptor)) {
                connections[Int(descriptor)].begin = nil
                connections[Int(descriptor)].isSuspect = false
            }
        }
        return guilty
    }

    /// Whether more than two largest messages have come since the unfinished one was first seen.
    private func measure(
        _ connection: inout Connection,
        _ descriptor: Int32,
        takenBytes: UInt64
    ) -> Bool {
        switch connection.begin {
        case .read(let begin):
            return (Connections.bytesRead(descriptor) ?? 0) > begin + 2 * messageBytesMax
        case .resident(let begin, let taken):
            // What finished messages brought may have made the process grow as well.
            let others = Self.growthBytesMax + (takenBytes - taken)
            return memory.bytes > begin + 2 * messageBytesMax + others
        case nil:
            connection.begin =
                Connections.bytesRead(descriptor).map(Mark.read)
                ?? .resident(memory.bytes, taken: takenBytes)
            return false
        }
    }
}
