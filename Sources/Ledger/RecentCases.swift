// SPDX-License-Identifier: Apache-2.0

internal import Rules
internal import SQLite
internal import Wire

/// What does not change of a case while it is on its way, in memory.
///
/// A class, so that looking it up counts one reference and not one for each of its arrays.
final class RecentCase {
    let serial: UInt64
    let id: Identifier
    /// Envelope, then body, as stored.
    let bytes: [UInt8]
    let envelopeBytes: Int
    let itinerary: [UInt32]

    init(
        serial: UInt64,
        id: Identifier,
        envelope: UnsafeRawBufferPointer,
        body: UnsafeRawBufferPointer,
        itinerary: [UInt32]
    ) {
        self.serial = serial
        self.id = id
        self.itinerary = itinerary
        envelopeBytes = envelope.count
        bytes = [UInt8](unsafeUninitializedCapacity: envelope.count + body.count) { room, count in
            let room = UnsafeMutableRawBufferPointer(room)
            room.copyBytes(from: envelope)
            UnsafeMutableRawBufferPointer(rebasing: room[envelope.count...]).copyBytes(from: body)
            count = room.count
        }
    }
}

/// The cases that entered or were handed out last.
///
/// A case that passes from backend to backend is delivered again within milliseconds; this spares
/// asking SQLite twice a hop. Bounded in bytes and number: the oldest goes first. Nothing here is the
/// only copy. Ledger thread only.
final class RecentCases {
    /// Bytes kept at most, the tables' own size apart.
    static let bytesMax = 16 << 20
    /// A case with more bytes than this is read from disk each time.
    static let caseBytesMax = 64 << 10
    /// Bytes counted for a case beside its own.
    private static let caseBytesMin = 128
    /// Cases kept at most.
    private static let casesMax = bytesMax / caseBytesMin

    /// A ring in the order kept, from `oldest` to before `next`; nil where a case has been dropped.
    @Confined private var ring = [RecentCase?](repeating: nil, count: casesMax)
    @Confined private var oldest = 0
    @Confined private var next = 0
    /// Places in the ring, by serial.
    @Confined private var index = NumberIndex()
    @Confined private var byteCount = 0

    /// The case, if it is among them.
    subscript(serial: UInt64) -> RecentCase? { index.place(of: serial).flatMap { ring[$0] } }

    /// Keeps a case; the oldest make room.
    func keep(_ recent: RecentCase) {
        let cost = Self.cost(of: recent)
        guard cost <= Self.caseBytesMax else { return }
        drop(recent.serial)
        while byteCount + cost > Self.bytesMax { dropOldest() }
        ring[next] = recent
        index.set(recent.serial, to: next)
        byteCount += cost
        next = (next + 1) % Self.casesMax
        if next == oldest { dropOldest() }
    }

    /// Forgets a case that closed or whose itinerary changed.
    func drop(_ serial: UInt64) {
        guard let place = index.remove(serial), let dropped = ring[place] else { return }
        ring[place] = nil
        byteCount -= Self.cost(of: dropped)
    }

    /// Forgets all: a rollback may have taken back what they were made from.
    func removeAll() {
        while oldest != next { dropOldest() }
    }

    private func dropOldest() {
        if let recent = ring[oldest] { drop(recent.serial) }
        oldest = (oldest + 1) % Self.casesMax
    }

    private static func cost(of recent: RecentCase) -> Int {
        recent.bytes.count + recent.itinerary.count * 4 + caseBytesMin
    }
}

extension LedgerWriter {
    /// A case that is handed out, from memory or from disk; nil if there is none.
    func recentCase(_ serial: UInt64) throws(SQLiteFault) -> RecentCase? {
        if let known = recent[serial] { return known }
        try beginReading()
        let found = try tables.withFile(serial) { id, envelope, body, itinerary in
            RecentCase(
                serial: serial,
                id: id,
                envelope: envelope,
                body: body,
                itinerary: itinerary
            )
        }
        if let found { recent.keep(found) }
        return found
    }

    /// The offices of a case's itinerary in order; empty if it has none.
    func itinerary(of serial: UInt64) throws(SQLiteFault) -> [UInt32] {
        if let known = recent[serial] { return known.itinerary }
        return try tables.itinerary(serial)
    }
}
