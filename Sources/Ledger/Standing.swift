// SPDX-License-Identifier: Apache-2.0

internal import Rules
internal import SQLite

/// Which offices are paused and which cases are held, in memory as in the ledger.
///
/// Changed only after the commit that changed the rows. Ledger thread only.
final class Standing {
    @Confined private(set) var paused: Set<UInt32> = []
    @Confined private(set) var held: Set<UInt64> = []

    /// Cases held at once; each is one number in memory.
    static let heldMax = 100_000

    init(_ connection: Connection) throws(SQLiteFault) {
        let offices = try Statement("SELECT office FROM pause", on: connection)
        while try offices.step() { paused.insert(UInt32(truncatingIfNeeded: offices.int64(0))) }
        let cases = try Statement("SELECT serial FROM hold", on: connection)
        while try cases.step() { held.insert(UInt64(bitPattern: cases.int64(0))) }
    }

    /// Whether an office takes no deliveries.
    func isPaused(_ office: UInt32) -> Bool { !paused.isEmpty && paused.contains(office) }

    /// Whether a case is not delivered.
    func isHeld(_ serial: UInt64) -> Bool { !held.isEmpty && held.contains(serial) }

    func setPaused(_ isPaused: Bool, _ office: UInt32) {
        if isPaused { paused.insert(office) } else { paused.remove(office) }
    }

    func setHeld(_ isHeld: Bool, _ serial: UInt64) {
        if isHeld { held.insert(serial) } else { held.remove(serial) }
    }
}

extension LedgerWriter {
    /// Whether a ready referral is to be handed out: not out already, and its case not held.
    func isFree(_ referral: Referral) -> Bool {
        leases.lease(of: referral.number) == nil && !standing.isHeld(referral.serial)
    }

    /// Puts a ready referral before the sessions of its office, unless its case is held.
    func offer(_ referral: Referral) {
        guard !standing.isHeld(referral.serial) else { return }
        desks[Int(referral.office)].insert(referral, atMost: windowItemsMax)
    }
}
