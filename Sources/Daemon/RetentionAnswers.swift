// SPDX-License-Identifier: Apache-2.0

internal import Control
internal import Ledger
internal import Logs
internal import Platform
internal import Rules
internal import Wire

/// What operators ask about the content of closed cases: erasing it by the periods of procedures, or
/// of one case.
extension LedgerCommands {
    /// Cases looked at in one read, on a connection beside the ledger thread.
    private static let casesPerLook = 5_000
    /// Cases erased in one transaction at most, so that no batch waits long behind it.
    private static let casesPerSlice = 32
    /// Bytes erased in one transaction at most, of more than one case: a page of log for each page.
    private static let bytesPerSlice: UInt64 = 256 << 10
    /// How long a run waits for the log to be emptied, in milliseconds.
    private static let emptyingMilliseconds: Int64 = 10_000

    func runRetention(
        _ arguments: RetentionRunArguments,
        by identity: OperatorIdentity,
        reason: String?
    ) throws(OperatorFault) -> RetentionReport {
        let isDryRun = arguments.dryRun ?? false
        let began = Clock.monotonicMilliseconds()
        let now = Clock.wallMilliseconds()
        let periods = try periods(of: arguments.procedure)
        guard isDryRun || guards.alarms?.contains("clockJumped") != true else {
            throw OperatorFault(
                code: "clockJumped",
                exit: .busy,
                text: "The clock jumped within the last hour, and a wrong clock ends every period: "
                    + "nothing was erased. Check the time (timedatectl) and run it again later."
            )
        }
        guard isDryRun || erasing.take() else {
            throw OperatorFault(
                code: "busy",
                exit: .busy,
                text: "Another run is under way; what it leaves can be erased when it is done."
            )
        }
        defer { if !isDryRun { erasing.give() } }
        var run = RetentionRun(periods, isDryRun: isDryRun, at: now)
        var last: UInt64 = 0
        while true {
            let from = last
            let found = try read { reader in
                try reader.erasable(after: from, upTo: Self.casesPerLook) { procedure, closed in
                    periods[procedure]?.isOver(closed: closed, now: now) ?? false
                }
            }
            for slice in Self.slices(of: found.found) {
                if isDryRun {
                    run.take(slice)
                } else if let erased = try erase(slice, identity, reason ?? "") {
                    run.take(erased)
                }
            }
            guard let end = found.last else { break }
            last = end
        }
        if !isDryRun {
            run.report.isLogEmptied =
                ledger.isLogEmptied(withinMilliseconds: Self.emptyingMilliseconds)
            log.say(.retentionRan, [.count: String(run.report.cases)])
        }
        run.report.seconds = Double(Clock.monotonicMilliseconds() - began) / 1_000
        return run.report
    }

    /// The periods of procedures by name, as their latest versions declare them.
    private func periods(
        of procedure: String?
    ) throws(OperatorFault) -> [String: RetentionPeriod] {
        let versions = try read { try $0.versions(of: procedure) }
        if let procedure, versions.isEmpty { throw Self.noSuchProcedure(procedure) }
        var seen: Set<String> = []
        var periods: [String: RetentionPeriod] = [:]
        // The newest comes first.
        for version in versions where seen.insert(version.name).inserted {
            periods[version.name] = reading(version.source)?.retention
        }
        return periods
    }

    /// Cuts what was found into transactions.
    private static func slices(of cases: [ErasableCase]) -> [[ErasableCase]] {
        var slices: [[ErasableCase]] = []
        var bytes: UInt64 = 0
        for next in cases {
            if let last = slices.last, last.count < casesPerSlice,
                bytes + next.bytes <= bytesPerSlice
            {
                slices[slices.count - 1].append(next)
                bytes += next.bytes
            } else {
                slices.append([next])
                bytes = next.bytes
            }
        }
        return slices
    }

    /// Erases a slice; the cases that were still as they were found, nil if none was.
    private func erase(
        _ slice: [ErasableCase],
        _ identity: OperatorIdentity,
        _ reason: String
    ) throws(OperatorFault) -> [ErasableCase]? {
        let outcome = try act(.desk(.erase(slice)), by: identity, reason: reason)
        guard case .desk(.done(_, let count)) = outcome else { return nil }
        // One that was opened or held meanwhile is left out; which one, the trails tell.
        guard count < slice.count else { return slice }
        let serials = slice.map(\.serial)
        let kept = try read { reader in
            try serials.filter { serial in
                guard case .failure(.caseErased) = try reader.erasable(serial) else { return true }
                return false
            }
        }
        return slice.filter { !kept.contains($0.serial) }
    }

    func erase(
        _ arguments: EraseArguments,
        by identity: OperatorIdentity,
        reason: String
    ) throws(OperatorFault) -> PlanOutcome {
        let serial = try serial(of: arguments.number)
        guard let found = try read({ try $0.erasable(serial) }) else {
            throw Self.noSuchCase(arguments.number)
        }
        let erasable: ErasableCase
        switch found {
        case .success(let found): erasable = found
        case .failure(let refusal): throw declined(refusal)
        }
        let number = CaseNumber(serial: serial)?.text ?? ""
        var selection = Selection(
            act: "erase \(number)",
            text: "erase the content of case \(number) of \(erasable.procedure), closed on "
                + "\(Instant(milliseconds: erasable.closed).text): \(erasable.bytes) bytes of what "
                + "was submitted, said and named; its trail stays"
        )
        selection.count = 1
        selection.others = [serial, UInt64(bitPattern: erasable.closed), erasable.bytes]
        let outcome = try carryOut(selection, token: arguments.token, by: identity) {
            () throws(OperatorFault) in
            try changeDesk(.erase([erasable]), identity, reason)
        }
        if outcome.done != nil {
            _ = ledger.isLogEmptied(withinMilliseconds: Self.emptyingMilliseconds)
        }
        return outcome
    }
}

/// What a run adds up.
private struct RetentionRun {
    var report: RetentionReport
    private let places: [String: Int]

    init(_ periods: [String: RetentionPeriod], isDryRun: Bool, at instant: Int64) {
        report = RetentionReport(isDryRun: isDryRun, at: Instant(milliseconds: instant))
        let names = periods.keys.sorted()
        report.procedures = names.map { name in
            RetentionReport.Row(procedure: name, period: periods[name]?.text ?? "")
        }
        places = Dictionary(uniqueKeysWithValues: zip(names, names.indices))
    }

    mutating func take(_ cases: [ErasableCase]) {
        for erased in cases {
            report.cases += 1
            report.bytes += erased.bytes
            guard let place = places[erased.procedure] else { continue }
            report.procedures[place].cases += 1
            report.procedures[place].bytes += erased.bytes
            let closed = Instant(milliseconds: erased.closed)
            let oldest = report.procedures[place].oldestClosedAt ?? closed
            report.procedures[place].oldestClosedAt = min(oldest, closed)
        }
    }
}
