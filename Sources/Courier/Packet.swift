// SPDX-License-Identifier: Apache-2.0

internal import Wire

/// A packet being written for one peer during one turn.
final class Packet {
    var writer = PacketWriter()
}

/// Packets at hand, so that memory follows the peers spoken to in a turn, not the sessions open.
struct PacketPool {
    /// Packets kept between turns.
    private static let keptMax = 64

    private var packets: [Packet] = []

    /// An empty packet.
    mutating func take() -> Packet { packets.popLast() ?? Packet() }

    /// Takes an empty packet back; one that grew for a large body is not kept.
    mutating func put(_ packet: Packet, largestBytes: Int) {
        guard packets.count < Self.keptMax, largestBytes <= Limits.packetBytesMax else { return }
        packets.append(packet)
    }
}
