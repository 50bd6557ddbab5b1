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
struct Journal {
    /// Position of the last record; 0 while there is none.
    private(set) var head: UInt64
    /// The chained hash of the last record.
    private(set) var hash: [UInt8]
    private var bytes: [UInt8] = []
    private let insertRecord: Statement
    private let insertTrail: Statement
    private let selectRecord: Statement
    private let selectTrail: Statement

    /// Bytes of a hash.
    static let hashBytes = 32

    /// Opens the journal at its head.
    init(_ connection: Connection) throws(SQLiteFault) {
        insertRecord = try Statement(
            "INSERT INTO journal (position, hash, record) VALUES (?, ?, ?)",
            on: connection
        )
        insertTrail = try Statement(
            "INSERT INTO trail (serial, position) VALUES (?, ?)",
            on: connection
        )
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
            hash = last.bytes(1)
        } else {
            head = 0
            hash = [UInt8](repeating: 0, count: Self.hashBytes)
        }
    }

    /// The position the next record will have.
    var next: UInt64 { head + 1 }

    /// Appends a record; position and hash are set here.
    mutating func append(_ record: consuming JournalRecord) throws(SQLiteFault) -> Receipt {
        record.position = next
        record.write(to: &bytes)
        let chained = Self.chain(hash, bytes)
        let position = Int64(record.position)
        insertRecord.bind(1, position)
        try chained.withBytes { hash throws(SQLiteFault) in
            try bytes.withBytes { bytes throws(SQLiteFault) in
                insertRecord.bind(2, hash)
                insertRecord.bind(3, bytes)
                try insertRecord.run()
            }
        }
        if record.serial != 0 {
            insertTrail.bind(1, Int64(record.serial))
            insertTrail.bind(2, position)
            try insertTrail.run()
        }
        head = record.position
        hash = chained
        return Receipt(
            position: head,
            recordedAt: record.recordedAt,
            hash: Self.prefix(of: hash),
            serial: record.serial
        )
    }

    /// Goes back to an earlier head after a rollback.
    mutating func rewind(to head: UInt64, hash: [UInt8]) {
        self.head = head
        self.hash = hash
    }

    /// The record at a position with the receipt it had.
    func record(at position: UInt64) throws(SQLiteFault) -> (JournalRecord, Receipt)? {
        defer { selectRecord.reset() }
        selectRecord.bind(1, Int64(position))
        guard try selectRecord.step() else { return nil }
        return Self.row(selectRecord)
    }

    /// The trail of a case, oldest first.
    func trail(of serial: UInt64) throws(SQLiteFault) -> [(record: JournalRecord, receipt: Receipt)]
    {
        defer { selectTrail.reset() }
        selectTrail.bind(1, Int64(bitPattern: serial))
        var trail: [(record: JournalRecord, receipt: Receipt)] = []
        while try selectTrail.step() {
            if let row = Self.row(selectTrail) { trail.append(row) }
        }
        return trail
    }

    private static func row(_ statement: Statement) -> (JournalRecord, Receipt)? {
        guard let record = statement.withBlob(0, { JournalRecord(reading: $0) }) else { return nil }
        let receipt = Receipt(
            position: record.position,
            recordedAt: record.recordedAt,
            hash: prefix(of: statement.bytes(1)),
            serial: record.serial
        )
        return (record, receipt)
    }

    /// The hash after `record` when `previous` was the hash before it.
    static func chain(_ previous: [UInt8], _ record: [UInt8]) -> [UInt8] {
        var hasher = SHA256()
        previous.withUnsafeBytes { hasher.update(bufferPointer: $0) }
        record.withUnsafeBytes { hasher.update(bufferPointer: $0) }
        return [UInt8](hasher.finalize())
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
        return [UInt8](hasher.finalize())
    }

    /// The first sixteen bytes of a hash.
    static func prefix(of hash: [UInt8]) -> Identifier {
        hash.withUnsafeBytes { bytes in
            bytes.count >= 16
                ? Identifier(high: bytes.bigEndian(at: 0), low: bytes.bigEndian(at: 8)) : .none
        }
    }
}
