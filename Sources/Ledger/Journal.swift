// SPDX-License-Identifier: Apache-2.0

internal import Crypto
internal import Rules
internal import SQLite
internal import Wire

/// Proof that an act is recorded: where, when, and the hash the chain has there.
struct Receipt {
    var position: UInt64
    var recordedAt: Int64
    /// The first sixteen bytes of the chained SHA-256.
    var hash: Identifier
    var serial: UInt64
}

/// The append-only, hash-chained record of every act.
///
/// Strictly sequential: positions rise by one. `hash(n) = SHA-256(hash(n − 1) ‖ record(n))`, and
/// `hash(0)` is 32 zero bytes. The records are kept whole, so a Merkle tree over them
/// (RFC 9162) can be built at any time.
///
/// Appended records gather and are inserted some at a time: `flush` before anything else reads these
/// tables, and before a commit.
final class Journal {
    /// Position of the last record; 0 while there is none.
    @Confined private(set) var head: UInt64
    private let gathered = GatheredRecords()
    private let records: RowInserter
    private let trails: RowInserter
    private let selectRecord: Statement
    private let selectTrail: Statement

    /// Bytes of a hash.
    static let hashBytes = 32

    /// Opens the journal at its head.
    init(_ connection: Connection) throws(SQLiteFault) {
        records = try RowInserter("journal (position, hash, record)", columns: 3, connection)
        trails = try RowInserter("trail (serial, position)", columns: 2, connection)
        selectRecord = try Statement(
            "SELECT record, hash FROM journal WHERE position = ?",
            on: connection
        )
        selectTrail = try Statement(
            """
            SELECT j.record, j.hash FROM trail t JOIN journal j ON j.position = t.position
            WHERE t.serial = ? ORDER BY t.position
            """,
            on: connection
        )
        let last = try Statement(
            "SELECT position, hash FROM journal ORDER BY position DESC LIMIT 1",
            on: connection
        )
        defer { last.reset() }
        if try last.step() {
            head = UInt64(last.int64(0))
            gathered.begin(after: last.blob(1))
        } else {
            head = 0
        }
    }

    /// The position the next record will have.
    var next: UInt64 { head + 1 }

    /// The chained hash of the last record; 32 zero bytes while there is none.
    var hash: [UInt8] { [UInt8](gathered.lastHash) }

    /// Appends a record; position and hash are set here.
    func append(_ record: consuming JournalRecord) throws(SQLiteFault) -> Receipt {
        if !gathered.hasRoom(for: record) { try flush() }
        record.position = next
        gathered.append(record)
        head = record.position
        return Receipt(
            position: head,
            recordedAt: record.recordedAt,
            hash: Self.prefix(of: gathered.lastHash),
            serial: record.serial
        )
    }

    /// Writes the rows of what was appended.
    func flush() throws(SQLiteFault) {
        guard gathered.count > 0 else { return }
        try records.insert(gathered.count) { index, row in
            row.bind(0, Int64(gathered.places[index].position))
            row.bind(1, gathered.hash(index))
            row.bind(2, gathered.record(index))
        }
        try trails.insert(gathered.ofCases.count) { index, row in
            row.bind(0, Int64(gathered.ofCases[index].serial))
            row.bind(1, Int64(gathered.ofCases[index].position))
        }
        gathered.removeAll()
    }

    /// Goes back to an earlier head after a rollback.
    func rewind(to head: UInt64, hash: [UInt8]) {
        self.head = head
        hash.withUnsafeBytes { gathered.begin(after: $0) }
    }

    /// The record at a position with the receipt it had.
    func record(at position: UInt64) throws(SQLiteFault) -> (JournalRecord, Receipt)? {
        try flush()
        defer { selectRecord.reset() }
        selectRecord.bind(1, Int64(position))
        guard try selectRecord.step() else { return nil }
        return Self.row(selectRecord)
    }

    /// The trail of a case, oldest first.
    func trail(of serial: UInt64) throws(SQLiteFault) -> [(record: JournalRecord, receipt: Receipt)]
    {
        try flush()
        defer { selectTrail.reset() }
        selectTrail.bind(1, Int64(bitPattern: serial))
        var trail: [(record: JournalRecord, receipt: Receipt)] = []
        while try selectTrail.step() {
            if let row = Self.row(selectTrail) { trail.append(row) }
        }
        return trail
    }

    private static func row(_ statement: Statement) -> (JournalRecord, Receipt)? {
        guard let record = JournalRecord(reading: statement.blob(0)) else { return nil }
        let receipt = Receipt(
            position: record.position,
            recordedAt: record.recordedAt,
            hash: prefix(of: statement.blob(1)),
            serial: record.serial
        )
        return (record, receipt)
    }

    /// The hash after `record` when `previous` was the hash before it.
    static func chain(_ previous: [UInt8], _ record: [UInt8]) -> [UInt8] {
        var hasher = SHA256()
        previous.withUnsafeBytes { hasher.update(bufferPointer: $0) }
        record.withUnsafeBytes { hasher.update(bufferPointer: $0) }
        return hasher.finalize().withUnsafeBytes { [UInt8]($0) }
    }

    /// The digest of content: lengths first, so that no two contents share their bytes.
    static func digest(
        envelope: UnsafeRawBufferPointer,
        body: UnsafeRawBufferPointer
    ) -> [UInt8] {
        var hasher = SHA256()
        withUnsafeBytes(of: UInt64(envelope.count).bigEndian) { hasher.update(bufferPointer: $0) }
        hasher.update(bufferPointer: envelope)
        hasher.update(bufferPointer: body)
        return hasher.finalize().withUnsafeBytes { [UInt8]($0) }
    }

    /// The first sixteen bytes of a hash.
    static func prefix(of hash: UnsafeRawBufferPointer) -> Identifier {
        hash.count >= 16
            ? Identifier(high: hash.bigEndian(at: 0), low: hash.bigEndian(at: 8)) : .none
    }
}
