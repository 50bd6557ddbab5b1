// SPDX-License-Identifier: Apache-2.0

internal import Rules
internal import SQLite
internal import Wire

/// How many open cases an agency has submitted, and how large their files are.
struct CaseLoad {
    var cases: UInt64 = 0
    var bytes: UInt64 = 0
}

/// The limits on open cases. They are counted only where an operator has set such a limit, so that
/// nobody else pays for it: by one scan of the open cases, and from then on by what opens and closes.
extension LedgerWriter {
    /// Checks that an agency may open one case more.
    ///
    /// - Throws: `busy` at a limit; only keys have limits.
    func demandRoom(for request: Request) throws {
        guard request.session.key != nil,
            let quota = accessBook.access.quotas[
                directory.agency(request.session.agency)?.name ?? ""
            ],
            quota.openCases > 0 || quota.queuedBytes > 0
        else { return }
        let load = try countedLoads()[request.session.agency] ?? CaseLoad()
        let bytes = UInt64(request.envelope.count + request.body.count)
        guard quota.openCases == 0 || load.cases < quota.openCases,
            quota.queuedBytes == 0 || load.bytes + bytes <= quota.queuedBytes
        else { throw RefusalCode.busy }
    }

    /// Notes that a case was opened.
    func noteOpened(by request: Request) {
        guard loads != nil else { return }
        loads?[request.session.agency, default: CaseLoad()].cases += 1
        loads?[request.session.agency, default: CaseLoad()].bytes +=
            UInt64(request.envelope.count + request.body.count)
    }

    /// Notes that a case was closed, or opened again.
    func noteChanged(_ serial: UInt64, isClosed: Bool) throws(SQLiteFault) {
        guard loads != nil else { return }
        let rows = try Statement(
            """
            SELECT c.agency, length(f.envelope) + length(f.body)
            FROM cases c JOIN file f ON f.serial = c.serial WHERE c.serial = ?
            """,
            on: connection
        )
        rows.bind(1, Int64(serial))
        guard try rows.step() else { return }
        let agency = UInt32(truncatingIfNeeded: rows.int64(0))
        let bytes = UInt64(clamping: rows.int64(1))
        var load = loads?[agency] ?? CaseLoad()
        if isClosed {
            load.cases -= min(load.cases, 1)
            load.bytes -= min(load.bytes, bytes)
        } else {
            load.cases += 1
            load.bytes += bytes
        }
        loads?[agency] = load
    }

    private func countedLoads() throws(SQLiteFault) -> [UInt32: CaseLoad] {
        if let loads { return loads }
        let rows = try Statement(
            """
            SELECT c.agency, count(*), sum(length(f.envelope) + length(f.body))
            FROM cases c JOIN file f ON f.serial = c.serial WHERE c.closed = 0 GROUP BY c.agency
            """,
            on: connection
        )
        var counted: [UInt32: CaseLoad] = [:]
        while try rows.step() {
            counted[UInt32(truncatingIfNeeded: rows.int64(0))] = CaseLoad(
                cases: UInt64(clamping: rows.int64(1)),
                bytes: UInt64(clamping: rows.int64(2))
            )
        }
        loads = counted
        return counted
    }
}
