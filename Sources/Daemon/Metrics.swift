// SPDX-License-Identifier: Apache-2.0

internal import Control
internal import Courier
internal import Ledger
internal import Platform

/// All figures of the daemon as text for Prometheus, taken when somebody asks.
///
/// The threads of bus and ledger count in their own memory, without locks; they are copied from them
/// once a scrape.
struct Metrics {
    /// Offices with figures of their own; beyond it those with the fewest referrals are left out.
    static let officesMax = 1_000

    let commands: LedgerCommands
    let guards: Guards

    /// The text of one scrape.
    ///
    /// - Throws: `OperatorFault` if the ledger cannot be read.
    func text() throws(OperatorFault) -> String {
        var page = Exposition()
        let status = try commands.status()
        tell(status, into: &page)
        tellOffices(try commands.offices(), into: &page)
        tell(commands.bus.counters, into: &page)
        if let gauges = commands.ledger.gauges() { tell(gauges, into: &page) }
        tellKeys(try commands.liveKeys(), into: &page)
        tell(guards.report, status, into: &page)
        tellBackup(into: &page)
        tellProcess(status, into: &page)
        return page.text
    }

    private func tell(_ status: Status, into page: inout Exposition) {
        page.gauges(
            "barid_build_info",
            "Version of the daemon.",
            [(["version": status.version], 1)]
        )
        page.gauge("barid_epoch", "Starts of the daemon on this ledger.", status.epoch)
        page.gauge("barid_sessions", "Service connections that are open.", status.sessions)
        page.gauge("barid_offices", "Offices known to the ledger.", status.offices)
        page.gauges(
            "barid_cases",
            "Cases by state.",
            [
                (["state": "open"], Double(status.cases.open)),
                (["state": "closed"], Double(status.cases.closed)),
            ]
        )
        page.gauge(
            "barid_cases_erased",
            "Closed cases whose content was erased.",
            status.cases.erased
        )
        let referrals = status.referrals
        page.gauges(
            "barid_referrals",
            "Referrals by state.",
            [
                (["state": "waiting"], Double(referrals.waiting)),
                (["state": "leased"], Double(referrals.leased)),
                (["state": "delayed"], Double(referrals.delayed)),
                (["state": "custody"], Double(referrals.custody)),
                (["state": "dead"], Double(referrals.dead)),
            ]
        )
        page.counter("barid_commits_total", "Durable commits.", status.commits)
        page.counter("barid_hops_total", "Hops settled.", status.hops)
        page.counter("barid_refusals_total", "Refusals told.", status.refusals)
        page.gauge("barid_journal_records", "Records in the journal.", status.journal.position)
    }

    private func tellOffices(_ offices: [OfficeRow], into page: inout Exposition) {
        let told = offices.sorted { left, right in
            let counts = (left.waiting + left.dead, right.waiting + right.dead)
            return counts.0 == counts.1 ? left.name < right.name : counts.0 > counts.1
        }.prefix(Self.officesMax)
        page.gauges(
            "barid_office_referrals",
            "Referrals of an office by state.",
            told.flatMap { office -> [(Exposition.Labels, Double)] in
                [
                    (["office": office.name, "state": "waiting"], Double(office.waiting)),
                    (["office": office.name, "state": "leased"], Double(office.leased)),
                    (["office": office.name, "state": "delayed"], Double(office.delayed)),
                    (["office": office.name, "state": "custody"], Double(office.custody)),
                    (["office": office.name, "state": "dead"], Double(office.dead)),
                ]
            }
        )
        page.gauges(
            "barid_office_sessions",
            "Sessions that staff an office.",
            told.map { (["office": $0.name], Double($0.sessions)) }
        )
        let now = Clock.wallMilliseconds()
        page.gauges(
            "barid_office_oldest_referral_age_seconds",
            "Age of the oldest referral that waits at an office; 0 if none does.",
            told.map { office in
                let age = office.oldestEnteredAt.map { max(0, now - $0.milliseconds) } ?? 0
                return (["office": office.name], Double(age) / 1_000)
            }
        )
        page.gauge(
            "barid_offices_left_out",
            "Offices without figures of their own here.",
            offices.count - told.count
        )
    }

    private func tell(_ counters: BusCounters, into page: inout Exposition) {
        page.counter("barid_packets_received_total", "Packets received.", counters.packetsIn)
        page.counter("barid_packets_sent_total", "Packets sent.", counters.packetsOut)
        page.counter("barid_received_bytes_total", "Bytes of packets received.", counters.bytesIn)
        page.counter("barid_sent_bytes_total", "Bytes of packets sent.", counters.bytesOut)
        page.counter("barid_operations_total", "Operations forwarded.", counters.operations)
        page.counter("barid_batches_total", "Batches handed to the ledger.", counters.batches)
        page.counter(
            "barid_dropped_frames_total",
            "Frames that were no packets.",
            counters.droppedFrames
        )
        page.counter(
            "barid_dropped_packets_total",
            "Packets their receiver could not take.",
            counters.droppedPackets
        )
        page.counter(
            "barid_undelivered_total",
            "Deliveries that could not be sent.",
            counters.undelivered
        )
        page.counter(
            "barid_events_published_total",
            "Events published that are not durable.",
            counters.eventsPublished
        )
        page.counter(
            "barid_events_delivered_total",
            "Events told to live subscriptions.",
            counters.eventsDelivered
        )
        page.counter(
            "barid_events_left_out_total",
            "Events that live subscriptions were too slow for.",
            counters.eventsLeftOut
        )
        page.gauge("barid_live_subscriptions", "Live subscriptions.", counters.subscriptions)
        page.gauge("barid_questions_open", "Questions that are open.", counters.questions)
        page.counter(
            "barid_questions_closed_total",
            "Questions answered, refused or lapsed.",
            counters.questionsClosed
        )
    }

    private func tell(_ gauges: LedgerGauges, into page: inout Exposition) {
        page.counter("barid_deliveries_total", "Referrals delivered.", gauges.deliveries)
        let figures = gauges.figures
        page.histogram(
            "barid_commit_duration_seconds",
            "Time of durable commits, the sync included.",
            figures.commitMicroseconds,
            perUnit: 1_000_000,
            exponents: 6...24
        )
        page.histogram(
            "barid_commit_batch_operations",
            "Operations of a batch.",
            figures.batchOperations,
            perUnit: 1,
            exponents: 0...12
        )
        page.histogram(
            "barid_accept_duration_seconds",
            "Time from a batch's arrival at the ledger to its answers, for each operation.",
            figures.acceptMicroseconds,
            perUnit: 1_000_000,
            exponents: 6...24
        )
        page.histogram(
            "barid_delivery_latency_seconds",
            "Time from a referral's arrival at an office to its delivery.",
            figures.deliveryMilliseconds,
            perUnit: 1_000,
            exponents: 0...36
        )
        page.histogram(
            "barid_step_duration_seconds",
            "Time from a referral's arrival at an office to the end of the step.",
            figures.stepMilliseconds,
            perUnit: 1_000,
            exponents: 0...36
        )
    }

    private func tellKeys(_ keys: [KeyRow], into page: inout Exposition) {
        page.gauges(
            "barid_key_end_timestamp_seconds",
            "When a key that is live ends.",
            keys.map { key in
                (
                    ["agency": key.agency, "key": String(key.number)],
                    Double(key.endsAt.milliseconds / 1_000)
                )
            }
        )
    }

    private func tell(_ report: Guards.Report, _ status: Status, into page: inout Exposition) {
        page.gauge("barid_disk_free_bytes", "Free space of the disk.", status.freeDiskBytes)
        page.gauges(
            "barid_disk_mark_bytes",
            "Free space below which something is done.",
            [
                (["mark": "warn"], Double(report.marks.warn)),
                (["mark": "reserve"], Double(report.marks.reserve)),
                (["mark": "stop"], Double(report.marks.stop)),
            ]
        )
        page.gauge(
            "barid_disk_stage",
            "0 enough is free, 1 below warn, 2 below reserve: nothing new is taken, 3 below stop.",
            report.stage.rawValue
        )
        page.counter("barid_clock_jumps_total", "Jumps of the wall clock.", report.clockJumps)
        page.gauge(
            "barid_memory_mark_bytes",
            "Resident memory above which somebody should know.",
            report.memoryWarn
        )
        page.gauge(
            "barid_ledger_bytes",
            "Size of the ledger's file.",
            ProcessFigures.size(of: status.directory + "/" + Ledger.fileName)
        )
        page.gauge("barid_log_bytes", "Size of the write-ahead log.", status.walBytes)
    }

    private func tellBackup(into page: inout Exposition) {
        let made = ProcessFigures.changed(commands.lastBackupPath)
        guard made > 0 else { return }
        page.gauge("barid_backup_timestamp_seconds", "When the last backup was finished.", made)
    }

    private func tellProcess(_ status: Status, into page: inout Exposition) {
        page.gauge(
            "process_resident_memory_bytes",
            "Resident memory.",
            status.residentBytes
        )
        page.gauges(
            "process_start_time_seconds",
            "When the process started.",
            [([:], Double(status.startedAt.milliseconds) / 1_000)]
        )
        page.gauges(
            "barid_scrape_timestamp_seconds",
            "When these figures were taken.",
            [([:], Double(Clock.wallMilliseconds()) / 1_000)]
        )
    }
}
