// SPDX-License-Identifier: Apache-2.0

/// Packets that wait because the queue to their peer is full, oldest first.
struct Outbox {
    /// Bytes that may wait before a further packet is one too many, what the ledger bounds left out.
    static let bytesMax = 4 << 20
    /// Bytes that may wait while the ledger may think that they have passed.
    static let passedBytesMax = 1 << 20

    private var packets: [[UInt8]] = []
    private var head = 0
    private(set) var byteCount = 0

    var isEmpty: Bool { head == packets.count }

    /// Keeps a copy of a packet.
    mutating func append(_ packet: UnsafeRawBufferPointer) {
        packets.append([UInt8](packet))
        byteCount += packet.count
    }

    /// The oldest packet.
    var first: [UInt8]? { isEmpty ? nil : packets[head] }

    /// Drops the oldest packet.
    mutating func removeFirst() {
        guard !isEmpty else { return }
        byteCount -= packets[head].count
        packets[head] = []
        head += 1
        if isEmpty {
            packets = []
            head = 0
        } else if head >= 64, head * 2 >= packets.count {
            packets.removeFirst(head)
            head = 0
        }
    }
}
