// SPDX-License-Identifier: Apache-2.0

internal import BaridClient
internal import Glibc

/// Measures flows: cases that visit a row of offices, each completed as soon as it is delivered.
///
/// One session on one thread both submits and works, so the daemon and not this program is what is
/// measured. Every completion is counted against its flow: one missing is lost, one more is
/// duplicated.
struct FlowBench: ~Copyable {
    struct Figures {
        var hopCount: UInt64 = 0
        var flowCount: UInt64 = 0
        var nanoseconds: UInt64 = 1
        /// Hops over time.
        var hopsPerSecond: Double { Double(hopCount) / (Double(nanoseconds) / 1e9) }
        /// Microseconds from submitting to its receipt.
        var submit = Histogram()
        /// Microseconds from submitting to the receipt of the last hop.
        var flow = Histogram()
        var answerGroupCount = 0
        var commitCount: UInt64 = 0
        var lostCount: UInt64 = 0
        var duplicatedCount: UInt64 = 0
        var refusedCount: UInt64 = 0
    }

    private struct Flow {
        var begunAt: UInt64
        var deliveredCount = 0
        var completedCount = 0
    }

    private var session: RawSession
    private let envelope: [UInt8]
    private let body: [UInt8]
    private let officeCount: Int
    private let officeNumbers: [UInt64]
    private let credit: (messages: UInt64, bytes: UInt64)
    /// Flows whose submission is unanswered, by request number.
    private var submitted: [UInt32: UInt64] = [:]
    /// Flows on their way, by serial.
    private var flows: [UInt64: Flow] = [:]
    private var keyHigh: UInt64
    private var keyLow: UInt64 = 0
    /// Credit used at each office since it was last given back.
    private var used: [(messages: UInt64, bytes: UInt64)]
    private var commits: (first: UInt64, last: UInt64) = (0, 0)
    private var figures = Figures()

    /// Opens a session and staffs `agency/o1` to `agency/oN`.
    init(
        session: consuming RawSession,
        agency: String,
        procedure: String,
        officeCount: Int,
        size: Int
    ) throws(BaridError) {
        let offices = (1...officeCount).map { "\(agency)/o\($0)" }
        var numbers: [UInt64] = []
        for (index, office) in offices.enumerated() {
            numbers.append(try session.attach(office, title: "Bench \(index + 1)"))
        }
        self.session = session
        self.officeCount = officeCount
        officeNumbers = numbers
        credit = RawSession.creditMax
        used = offices.map { _ in (0, 0) }
        envelope = Self.envelope(
            procedure: procedure,
            officeCount: officeCount,
            agency: agency
        )
        body = [UInt8](repeating: UInt8(ascii: "x"), count: size)
        var seed = SystemRandomNumberGenerator()
        keyHigh = seed.next() | 1
    }

    /// The envelope of every case.
    static func envelope(
        procedure: String,
        officeCount: Int,
        agency: String = "bench"
    ) -> [UInt8] {
        RawSession.caseEnvelope(
            procedure: procedure,
            subject: "bench",
            itinerary: (1...officeCount).map { "\(agency)/o\($0)" }
        )
    }

    /// Keeps `window` flows under way for so long, then lets them come to their end.
    consuming func run(window: Int, seconds: Double) throws(BaridError) -> Figures {
        for office in officeNumbers {
            try session.grant(office: office, messages: credit.messages, bytes: credit.bytes)
        }
        let start = Self.now()
        let end = start + UInt64(seconds * 1e9)
        let drainEnd = end + 15_000_000_000
        var events: [RawSession.Event] = []
        for _ in 0..<window { try submit() }
        try session.flush()
        var measuredUntil = start
        while !(submitted.isEmpty && flows.isEmpty) {
            events.removeAll(keepingCapacity: true)
            try session.receive(into: &events, timeoutMilliseconds: 500)
            let now = Self.now()
            guard now < drainEnd else { break }
            for event in events { try take(event, now: now, isOpen: now < end) }
            if events.isEmpty { try session.beat() }
            try replenish()
            try session.flush()
            if !events.isEmpty { measuredUntil = now }
        }
        figures.nanoseconds = max(1, measuredUntil - start)
        figures.lostCount = UInt64(submitted.count + flows.count)
        figures.answerGroupCount = session.answerPacketCount
        figures.commitCount = commits.last - commits.first
        try? session.bye()
        return figures
    }

    private mutating func submit() throws(BaridError) {
        keyLow += 1
        let number = try session.submit(
            envelope: envelope,
            body: body,
            key: (keyHigh, keyLow)
        )
        submitted[number] = Self.now()
    }

    private mutating func take(
        _ event: RawSession.Event,
        now: UInt64,
        isOpen: Bool
    ) throws(BaridError) {
        switch event.kind {
        case .delivered:
            used[event.office].messages += 1
            used[event.office].bytes += event.bytes
            // A delivery may overtake the receipt of its submission; it is counted all the same.
            flows[event.serial, default: Flow(begunAt: 0)].deliveredCount += 1
            _ = try session.complete(event)
        case .answered:
            if event.generation > 0 {
                if commits.first == 0 { commits.first = event.generation }
                commits.last = max(commits.last, event.generation)
            }
            if let begunAt = submitted.removeValue(forKey: event.number) {
                figures.submit.add((now - begunAt) / 1_000)
                if event.isRepeated { figures.duplicatedCount += 1 }
                flows[event.serial, default: Flow(begunAt: 0)].begunAt = begunAt
                try finish(event.serial, now: now, isOpen: isOpen)
            } else {
                figures.hopCount += 1
                guard flows[event.serial] != nil else {
                    figures.duplicatedCount += 1
                    return
                }
                flows[event.serial]?.completedCount += 1
                try finish(event.serial, now: now, isOpen: isOpen)
            }
        case .refused:
            figures.refusedCount += 1
            if submitted.removeValue(forKey: event.number) != nil {
                throw BaridError.refusal(event.code)
            }
        }
    }

    private mutating func finish(
        _ serial: UInt64,
        now: UInt64,
        isOpen: Bool
    ) throws(BaridError) {
        guard let flow = flows[serial], flow.completedCount >= officeCount, flow.begunAt > 0
        else { return }
        flows[serial] = nil
        figures.duplicatedCount += UInt64(max(0, flow.deliveredCount - officeCount))
        figures.flowCount += 1
        figures.flow.add((now - flow.begunAt) / 1_000)
        if isOpen { try submit() }
    }

    /// Grants back what was used at an office, once it is a quarter of what it was given.
    private mutating func replenish() throws(BaridError) {
        for (index, office) in officeNumbers.enumerated() {
            let share = used[index]
            guard share.messages >= credit.messages / 4 || share.bytes >= credit.bytes / 4 else {
                continue
            }
            used[index] = (0, 0)
            try session.grant(office: office, messages: share.messages, bytes: share.bytes)
        }
    }

    private static func now() -> UInt64 {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return UInt64(time.tv_sec) * 1_000_000_000 + UInt64(time.tv_nsec)
    }
}
