// SPDX-License-Identifier: Apache-2.0

internal import Crypto
internal import Rules

/// Journal records that are appended and not yet in their tables.
///
/// One piece of memory in which hashes and records alternate, so that what a hash is taken over, the
/// hash before and the record, lies in one piece and nothing is allocated for a record:
///
/// ```
/// hash(n − 1) │ record(n) │ hash(n) │ record(n + 1) │ hash(n + 1) │ …
/// ```
/// A class, because its memory is lent to SQLite's parameters.
final class GatheredRecords {
    /// Bytes for records and hashes; several times the largest record.
    private static let capacity = 64 << 10

    /// Where a record lies.
    struct Place {
        var position: UInt64
        fileprivate var start: Int
        fileprivate var end: Int
    }

    private let memory = UnsafeMutableRawBufferPointer.allocate(
        byteCount: capacity,
        alignment: 16
    )
    /// The records in order.
    @Confined private(set) var places: [Place] = []
    /// Those of them that belong to a case's trail.
    @Confined private(set) var ofCases: [(serial: UInt64, position: UInt64)] = []
    /// Where the last hash ends.
    @Confined private var end = Journal.hashBytes

    /// Nothing gathered, after a hash of 32 zero bytes.
    init() {
        memory.initializeMemory(as: UInt8.self, repeating: 0)
        places.reserveCapacity(RowInserter.rowsMax)
        ofCases.reserveCapacity(RowInserter.rowsMax)
    }

    deinit { memory.deallocate() }

    var count: Int { places.count }

    /// The hash of the last record.
    var lastHash: UnsafeRawBufferPointer { bytes(end - Journal.hashBytes, end) }

    /// Whether a record fits behind the others.
    func hasRoom(for record: borrowing JournalRecord) -> Bool {
        places.count < RowInserter.rowsMax
            && end + record.byteCount + Journal.hashBytes <= Self.capacity
    }

    /// Appends a record and chains its hash; the caller asked `hasRoom`.
    func append(_ record: borrowing JournalRecord) {
        let recordEnd = end + record.byteCount
        precondition(recordEnd + Journal.hashBytes <= Self.capacity, "a record is too large")
        record.write(to: UnsafeMutableRawBufferPointer(rebasing: memory[end..<recordEnd]))
        var hasher = SHA256()
        hasher.update(bufferPointer: bytes(end - Journal.hashBytes, recordEnd))
        hasher.finalize().withUnsafeBytes { hash in
            UnsafeMutableRawBufferPointer(rebasing: memory[recordEnd...]).copyMemory(from: hash)
        }
        places.append(Place(position: record.position, start: end, end: recordEnd))
        if record.serial != 0 { ofCases.append((record.serial, record.position)) }
        end = recordEnd + Journal.hashBytes
    }

    /// The bytes of a record, void after `removeAll` or `begin`.
    func record(_ index: Int) -> UnsafeRawBufferPointer {
        bytes(places[index].start, places[index].end)
    }

    /// The hash of a record, void after `removeAll` or `begin`.
    func hash(_ index: Int) -> UnsafeRawBufferPointer {
        bytes(places[index].end, places[index].end + Journal.hashBytes)
    }

    /// Forgets the records and keeps the last hash.
    func removeAll() { begin(after: lastHash) }

    /// Forgets the records and goes on from this hash.
    func begin(after hash: UnsafeRawBufferPointer) {
        precondition(hash.count == Journal.hashBytes, "a hash of the journal has another length")
        memory.copyMemory(from: hash)
        end = Journal.hashBytes
        places.removeAll(keepingCapacity: true)
        ofCases.removeAll(keepingCapacity: true)
    }

    private func bytes(_ start: Int, _ end: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: memory[start..<end])
    }
}
