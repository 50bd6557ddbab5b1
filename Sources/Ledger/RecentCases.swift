// SPDX-License-Identifier: Apache-2.0

internal import Rules
internal import SQLite
internal import Wire

/// What does not change of a case while it is on its way, in memory.
///
/// A class, so that looking it up counts one reference and not one for each of its arrays.
final class RecentCase {
    let id: Identifier
    /// Envelope, then body, as stored.
    let bytes: [UInt8]
    let envelopeBytes: Int
    let itinerary: [UInt32]

    init(
        id: Identifier,
        envelope: UnsafeRawBufferPointer,
        body: UnsafeRawBufferPointer,
        itinerary: [UInt32]
    ) {
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
/// asking SQLite twice a hop. Bounded in bytes: the oldest goes first. Nothing here is the only copy.
/// Ledger thread only.
final class RecentCases {
    /// Bytes kept at most, the tables' own size apart.
    static let bytesMax = 16 << 20
    /// A case with more bytes than this is read from disk each time.
    static let caseBytesMax = 64 << 10

    @Confined private var cases: [UInt64: (recent: RecentCase, stamp: UInt64)] = [:]
    /// In the order kept, from `oldest`; void where the case has been dropped or kept again since.
    @Confined private var order: [(serial: UInt64, stamp: UInt64)] = []
    @Confined private var oldest = 0
    @Confined private var nextStamp: UInt64 = 0
    @Confined private var byteCount = 0

    /// The case, if it is among them.
    subscript(serial: UInt64) -> RecentCase? { cases[serial]?.recent }

    /// Keeps a case; the oldest make room.
    func keep(_ serial: UInt64, _ recent: RecentCase) {
        guard Self.cost(of: recent) <= Self.caseBytesMax else { return }
        drop(serial)
        cases[serial] = (recent, nextStamp)
        order.append((serial, nextStamp))
        nextStamp += 1
        byteCount += Self.cost(of: recent)
        while byteCount > Self.bytesMax, oldest < order.count {
            if isValid(order[oldest]) { drop(order[oldest].serial) }
            oldest += 1
        }
        forgetDropped()
    }

    /// Forgets a case that closed or whose itinerary changed.
    func drop(_ serial: UInt64) {
        guard let dropped = cases.removeValue(forKey: serial) else { return }
        byteCount -= Self.cost(of: dropped.recent)
    }

    /// Forgets all: a rollback may have taken back what they were made from.
    func removeAll() {
        cases = [:]
        order = []
        oldest = 0
        byteCount = 0
    }

    /// Keeps the order no longer than twice the cases in it.
    private func forgetDropped() {
        guard order.count > 1_024, order.count > 2 * cases.count else { return }
        order = order[oldest...].filter { isValid($0) }
        oldest = 0
    }

    private func isValid(_ place: (serial: UInt64, stamp: UInt64)) -> Bool {
        cases[place.serial]?.stamp == place.stamp
    }

    private static func cost(of recent: RecentCase) -> Int {
        recent.bytes.count + recent.itinerary.count * 4 + 128
    }
}

extension LedgerWriter {
    /// A case that is handed out, from memory or from disk; nil if there is none.
    func recentCase(_ serial: UInt64) throws(SQLiteFault) -> RecentCase? {
        if let known = recent[serial] { return known }
        try beginReading()
        let itinerary = try tables.itinerary(serial)
        let found = try tables.withFile(serial) { id, envelope, body in
            RecentCase(id: id, envelope: envelope, body: body, itinerary: itinerary)
        }
        if let found { recent.keep(serial, found) }
        return found
    }

    /// The offices of a case's itinerary in order; empty if it has none.
    func itinerary(of serial: UInt64) throws(SQLiteFault) -> [UInt32] {
        if let known = recent[serial] { return known.itinerary }
        return try tables.itinerary(serial)
    }
}
