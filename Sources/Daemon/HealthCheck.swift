// SPDX-License-Identifier: Apache-2.0

internal import Control
internal import Courier
internal import Ledger
internal import Platform
internal import Synchronization

/// The last probe of the disk, so that whoever asks often does not make the disk sync as often.
final class ProbeMemory: Sendable {
    struct Probe: Sendable {
        /// On the monotonic clock, ms.
        var at: Int64
        /// How long it took, ms; nil if it did not succeed in time.
        var took: Int64?
    }

    /// How long a probe is believed, in milliseconds.
    private static let milliseconds: Int64 = 1_000
    /// How long a commit may take, in milliseconds.
    static let patience: Int64 = 2_000

    private let last = Mutex<Probe?>(nil)

    /// A probe that is at most a second old; one is made if there is none.
    func probe(_ ledger: LedgerThread) -> Probe {
        last.withLock { last in
            let now = Clock.monotonicMilliseconds()
            if let last, now - last.at < Self.milliseconds { return last }
            let isGood = ledger.probe(withinMilliseconds: Self.patience)
            let end = Clock.monotonicMilliseconds()
            let made = Probe(at: end, took: isGood ? end - now : nil)
            last = made
            return made
        }
    }
}

/// How far the daemon may be relied on, stage by stage.
extension LedgerCommands {
    /// The bus sweeps once a second; one that has not for so long has stopped turning.
    private static let sweepMilliseconds: Int64 = 5_000
    /// Bytes of the write-ahead log beyond which something keeps it from starting anew: it is copied
    /// each 4 MiB.
    private static let logBytesMax = 64 << 20

    func health() throws(OperatorFault) -> Health {
        var checks: [Health.Check] = []
        func check(_ stage: Health.Stage, _ name: String, _ isGood: Bool, _ text: String) {
            checks.append(Health.Check(stage: stage, name: name, isGood: isGood, text: text))
        }
        let silence = Clock.monotonicMilliseconds() - bus.counters.sweptAt
        let isBusTurning = silence < Self.sweepMilliseconds || isFresh
        check(
            .live,
            "bus",
            isBusTurning,
            isBusTurning ? "The bus turns." : "The bus has not turned for \(silence) ms."
        )
        let isLedgerTurning = ledger.isTurning(withinMilliseconds: ProbeMemory.patience)
        check(
            .live,
            "ledger",
            isLedgerTurning,
            isLedgerTurning
                ? "The ledger turns." : "The ledger has not answered within 2000 ms."
        )
        guard isBusTurning, isLedgerTurning else { return Health(checks) }
        let probe = probes.probe(ledger)
        check(
            .ready,
            "commit",
            probe.took != nil,
            probe.took.map { "A commit reached the disk in \($0) ms." }
                ?? "No commit reached the disk within \(ProbeMemory.patience) ms."
        )
        try checkStore(check)
        return Health(checks)
    }

    /// Whether the bus may not have swept yet.
    private var isFresh: Bool {
        Clock.wallMilliseconds() - startedAt < Self.sweepMilliseconds
    }

    private func checkStore(
        _ check: (Health.Stage, String, Bool, String) -> Void
    ) throws(OperatorFault) {
        let free = (try? DiskSpace.freeBytes(configuration.directory)) ?? 0
        let reserve = configuration.diskReserveBytes
        check(
            .ready,
            "intake",
            free >= reserve,
            free >= reserve
                ? "New cases are taken."
                : "No new case is taken: \(free) bytes of the disk are free, \(reserve) are kept."
        )
        check(
            .healthy,
            "disk",
            free >= reserve * 2,
            "\(free) bytes of the disk are free; at \(reserve) no new case is taken."
        )
        let log = ProcessFigures.size(of: configuration.directory + "/\(Ledger.fileName)-wal")
        check(
            .healthy,
            "log",
            log < Self.logBytesMax,
            "The write-ahead log has \(log) bytes."
        )
        let (totals, pauses) = try read { (try $0.officeTotals(), try $0.pauses()) }
        check(
            .healthy,
            "dead",
            totals.dead == 0,
            totals.dead == 0
                ? "There is no dead letter."
                : "\(totals.dead) dead letters wait for an operator: baridctl dead list."
        )
        check(
            .healthy,
            "paused",
            pauses.isEmpty,
            pauses.isEmpty
                ? "No office is paused."
                : "\(pauses.count) offices are paused: \(pauses.keys.sorted().prefix(5).joined(separator: ", "))."
        )
    }
}
