// SPDX-License-Identifier: Apache-2.0

internal import BaridClient
internal import Platform
internal import Wire

/// Measures cases that visit a row of offices, each completed as soon as it is delivered.
///
/// All sessions are driven by one thread, so the daemon and not this program is what is measured. Every
/// completion is counted against its case: one missing is lost, one more is duplicated.
struct FlowBench: ~Copyable {
    /// What to do, and with whom.
    struct Plan: Sendable {
        /// What keeps the work going.
        enum Work: Sendable {
            /// Cases are submitted and settled office by office: `window` at a time, or at a rate.
            case flow
            /// Cases are submitted only, `window` at a time or at a rate; nobody works on them.
            case submit
            /// Many cases wait; `window` of them are delivered at a time, and for every case's worth of
            /// hops a further one is submitted.
            case backlog
        }

        var work = Work.flow
        var endpoint: String
        var credentials: Credentials?
        var agency: String
        var procedure = "itinerary"
        /// Offices there are.
        var officeCount = 5
        /// Offices each case visits.
        var visitCount = 5
        /// Sessions that submit and settle.
        var sessionCount = 1
        /// Further sessions that are open and do nothing.
        var idleCount = 0
        /// Bytes of content of each case.
        var size = 256
        var window = 100
        /// Cases to submit each second; nil for as many as the window lets.
        var rate: Double?
        /// Cases to submit before measuring.
        var fillCount = 0
        var seconds = 10.0

        /// Pairs of a session and an office it staffs: every one of both is in one at least.
        var deskCount: Int { max(officeCount, sessionCount) }
    }

    struct Figures {
        var hopCount: UInt64 = 0
        var submitCount: UInt64 = 0
        var flowCount: UInt64 = 0
        var nanoseconds: UInt64 = 1
        /// Hops over time.
        var hopsPerSecond: Double { Double(hopCount) / seconds }
        /// Receipts of submissions over time.
        var submitsPerSecond: Double { Double(submitCount) / seconds }
        var seconds: Double { Double(nanoseconds) / 1e9 }
        /// Microseconds from when a case was to be submitted to its receipt.
        var submit = Histogram()
        /// Microseconds from completing a referral to its receipt; backlog only.
        var hop = Histogram()
        /// Microseconds from when a case was to be submitted to the receipt of the last hop.
        var flow = Histogram()
        /// Packets heard that carried an answer.
        var answerGroupCount: UInt64 = 0
        var commitCount: UInt64 = 0
        var lostCount: UInt64 = 0
        var duplicatedCount: UInt64 = 0
        var refusedCount: UInt64 = 0
        /// Nanoseconds that filling took.
        var fillNanoseconds: UInt64 = 0
    }

    private struct Flow {
        var begunAt: Int64
        var deliveredCount: UInt32 = 0
        var completedCount: UInt32 = 0

        /// Counts a delivery; whether there was one before.
        mutating func deliver() -> Bool {
            deliveredCount += 1
            return deliveredCount > 1
        }
    }

    /// One session at one of its offices.
    private struct Desk {
        var place: Int
        var number: UInt64
        /// Credit used since it was last given back.
        var used: (messages: UInt64, bytes: UInt64) = (0, 0)
        var isDue = false
    }

    private struct Heard {
        var place: Int
        var header: Header
    }

    private let plan: Plan
    private let progress: BenchProgress
    private var group: RawGroup
    private let timer: AlarmTimer
    private let envelopes: [[UInt8]]
    private let body: [UInt8]
    private var desks: [Desk] = []
    private let credit: (messages: UInt64, bytes: UInt64)
    /// The office of each announced step, by session and number.
    private var stepOffices: [UInt64: Int] = [:]
    private var officeIndexes: [String: Int] = [:]
    /// When each unanswered submission was to leave, by session and number.
    private var submitted: [UInt64: Int64] = [:]
    /// Cases on their way, by serial; in a backlog those delivered and not completed.
    private var flows: [UInt64: Flow] = [:]
    private let keyHigh = UInt64.random(in: 1 ... .max)
    private var keyLow: UInt64 = 0
    private var heard: [Heard] = []
    /// Deliveries to be completed once their session has fewer unanswered requests.
    private var postponed: [Heard] = []
    /// Unanswered requests of each session.
    private var unanswered: [Int]
    private var due: [Int] = []
    private var commits: (first: UInt64, last: UInt64) = (0, 0)
    private var figures = Figures()

    /// Unanswered requests of a session; submissions take as many again at most, and the bus takes more
    /// than both.
    private static let unansweredMax = 4_900
    /// How long to wait for what is under way at the end.
    private static let drainNanoseconds: Int64 = 15_000_000_000

    /// Opens the sessions, staffs `agency/o1` to `agency/oN`, fills, measures for so long, then lets
    /// what is under way come to its end.
    static func run(_ plan: Plan, progress: BenchProgress) throws(BaridError) -> Figures {
        let group = try RawGroup(endpoint: plan.endpoint, credentials: plan.credentials)
        let timer: AlarmTimer
        do throws(SystemFault) { timer = try AlarmTimer() } catch {
            throw .faulty("The bench \(error).")
        }
        var bench = FlowBench(plan, group, timer, progress)
        try bench.open()
        return try bench.run()
    }

    private init(
        _ plan: Plan,
        _ group: consuming RawGroup,
        _ timer: AlarmTimer,
        _ progress: BenchProgress
    ) {
        self.plan = plan
        self.progress = progress
        self.group = group
        self.timer = timer
        unanswered = Array(repeating: 0, count: plan.sessionCount + plan.idleCount)
        body = [UInt8](repeating: UInt8(ascii: "x"), count: plan.size)
        let distinct = plan.officeCount == plan.visitCount ? 1 : plan.officeCount
        envelopes = (0..<distinct).map { Self.envelope(plan, first: $0) }
        credit =
            plan.work == .backlog
            ? (UInt64(max(1, plan.window / plan.deskCount)), Limits.creditBytesMax)
            : (Limits.creditMessagesMax, Limits.creditBytesMax)
    }

    private mutating func open() throws(BaridError) {
        group.watch(timer)
        try group.open(
            plan.sessionCount + plan.idleCount,
            agency: plan.agency,
            name: "barid bench"
        )
        try attach()
    }

    /// The envelope of every case that goes along all offices.
    static func envelope(
        procedure: String,
        officeCount: Int,
        agency: String = "bench"
    ) -> [UInt8] {
        var plan = Plan(endpoint: "", agency: agency)
        plan.procedure = procedure
        plan.officeCount = officeCount
        plan.visitCount = officeCount
        return envelope(plan, first: 0)
    }

    private static func envelope(_ plan: Plan, first: Int) -> [UInt8] {
        RawGroup.caseEnvelope(
            procedure: plan.procedure,
            subject: "bench",
            itinerary: (0..<plan.visitCount).map {
                office((first + $0) % plan.officeCount, of: plan.agency)
            }
        )
    }

    private static func office(_ index: Int, of agency: String) -> String {
        "\(agency)/o\(index + 1)"
    }

    /// Staffs every office with one session at least and every session with one office at least.
    private mutating func attach() throws(BaridError) {
        let (offices, sessions, agency) = (plan.officeCount, plan.sessionCount, plan.agency)
        for index in 0..<offices { officeIndexes[Self.office(index, of: agency)] = index }
        let answers = try group.callAll(plan.deskCount) { group, index throws(BaridError) in
            var attach = Envelope.Attach()
            attach.office = Self.office(index % offices, of: agency)
            attach.title = "Bench \(index % offices + 1)"
            let place = index % sessions
            let number = try group.ask(
                place,
                Header(.attach),
                envelope: Envelope.bytes(of: attach)
            )
            return (place, number)
        }
        desks = answers.enumerated().map { index, answer in
            Desk(place: index % sessions, number: answer.subject)
        }
    }

    // MARK: One run

    private consuming func run() throws(BaridError) -> Figures {
        if plan.fillCount > 0 { try fill() }
        if plan.work != .submit {
            for index in desks.indices { try grant(index, credit) }
        }
        let start = Clock.monotonicNanoseconds()
        let end = start + Int64(plan.seconds * 1e9)
        var measuredUntil = start
        var now = start
        while true {
            let isOpen = now < end
            if isOpen { try submitWhatIsDue(since: start, now: now) }
            guard isOpen || !(submitted.isEmpty && flows.isEmpty),
                now < end + Self.drainNanoseconds
            else { break }
            if isOpen || plan.work != .backlog { try giveBack() }
            try turn(untilNext: isOpen ? nextSubmission(since: start) : nil)
            now = Clock.monotonicNanoseconds()
            guard !heard.isEmpty else { continue }
            let before = figures.hopCount + figures.submitCount
            try take(at: now)
            if figures.hopCount + figures.submitCount != before { measuredUntil = now }
            progress.show(
                "\(figures.hopCount) hops, \(figures.submitCount) cases",
                figures.hopCount + (plan.work == .submit ? figures.submitCount : 0),
                done: Double(now - start) / Double(end - start)
            )
        }
        progress.clear()
        figures.nanoseconds = UInt64(max(1, measuredUntil - start))
        figures.lostCount = UInt64(submitted.count + flows.count)
        figures.commitCount = commits.last - commits.first
        _ = try? group.callAll(group.count) { group, place throws(BaridError) in
            (place, try group.ask(place, Header(.bye)))
        }
        return figures
    }

    /// Submits the cases that shall wait, with nobody working on them.
    private mutating func fill() throws(BaridError) {
        let start = Clock.monotonicNanoseconds()
        let window = min(4_000, Self.unansweredMax * plan.sessionCount)
        var left = plan.fillCount
        var silentSince = start
        while left > 0 || !submitted.isEmpty {
            while left > 0, submitted.count < window {
                try submit(at: Clock.monotonicNanoseconds())
                left -= 1
            }
            try turn(untilNext: nil)
            let now = Clock.monotonicNanoseconds()
            if !heard.isEmpty { silentSince = now }
            guard now - silentSince < Self.drainNanoseconds else {
                throw .faulty("The bus said nothing for 15 s.")
            }
            try take(at: now)
            let done = plan.fillCount - left
            progress.show(
                "filling, \(done) cases",
                UInt64(done),
                done: Double(done) / Double(plan.fillCount)
            )
        }
        var filled = Figures()
        filled.fillNanoseconds = UInt64(Clock.monotonicNanoseconds() - start)
        filled.refusedCount = figures.refusedCount
        filled.duplicatedCount = figures.duplicatedCount
        figures = filled
        commits = (0, 0)
        progress.restart()
    }

    private mutating func turn(untilNext instant: Int64?) throws(BaridError) {
        try group.beat()
        try group.flush()
        if let instant { timer.set(to: instant) }
        var heard = heard
        // Ours alone from here on, so that emptying it keeps its memory.
        self.heard = []
        heard.removeAll(keepingCapacity: true)
        var steps: [(Int, Header, String)] = []
        var groupCount: UInt64 = 0
        var lastPlace = -1
        try group.receive(timeoutMilliseconds: 500) { place, header, envelope in
            switch header.verb {
            case .answer:
                if place != lastPlace { groupCount += 1 }
                lastPlace = place
                heard.append(Heard(place: place, header: header))
            case .refusal, .delivery: heard.append(Heard(place: place, header: header))
            case .step:
                let step = try? Envelope.read(Envelope.Step.self, from: envelope)
                steps.append((place, header, step?.office ?? ""))
            default: return
            }
        }
        for (place, header, office) in steps {
            stepOffices[UInt64(place) << 32 | UInt64(header.number)] = officeIndexes[office]
        }
        figures.answerGroupCount += groupCount
        self.heard = heard
    }

    // MARK: Submitting

    /// When the next case is to leave at a rate; nil without one.
    private func nextSubmission(since start: Int64) -> Int64? {
        plan.rate.map { start + Int64(Double(keyLow - fillBase + 1) / $0 * 1e9) }
    }

    /// Keys used for filling.
    private var fillBase: UInt64 { UInt64(plan.fillCount) }

    /// A case that could not leave when it should, because the bus lagged, counts from when it should.
    private mutating func submitWhatIsDue(since start: Int64, now: Int64) throws(BaridError) {
        let room = Self.unansweredMax * plan.sessionCount
        if let rate = plan.rate {
            while submitted.count < room {
                let instant = start + Int64(Double(keyLow - fillBase + 1) / rate * 1e9)
                guard instant <= now else { return }
                try submit(at: instant)
            }
            return
        }
        switch plan.work {
        case .flow:
            while submitted.count + flows.count < plan.window, submitted.count < room {
                try submit(at: now)
            }
        case .submit: while submitted.count < min(plan.window, room) { try submit(at: now) }
        case .backlog:
            let wanted = figures.hopCount / UInt64(plan.visitCount)
            while keyLow - fillBase < wanted, submitted.count < room { try submit(at: now) }
        }
    }

    private mutating func submit(at instant: Int64) throws(BaridError) {
        let place = Int(keyLow % UInt64(plan.sessionCount))
        let envelope = Int(keyLow % UInt64(envelopes.count))
        keyLow += 1
        var header = Header(.submit)
        header.flags = Wire.Lane.normal.rawValue
        header.id = Identifier(high: keyHigh, low: keyLow)
        let number = try group.ask(place, header, envelope: envelopes[envelope], body: body)
        submitted[UInt64(place) << 32 | UInt64(number)] = instant
        unanswered[place] += 1
    }

    // MARK: Hearing

    private mutating func take(at now: Int64) throws(BaridError) {
        let heard = heard
        for item in heard {
            switch item.header.verb {
            case .delivery: try settle(item, at: now)
            case .answer:
                unanswered[item.place] -= 1
                take(item.header, item.place, at: now)
            default:
                figures.refusedCount += 1
                unanswered[item.place] -= 1
                let request = UInt64(item.place) << 32 | UInt64(item.header.number)
                if submitted.removeValue(forKey: request) != nil {
                    throw .refusal(item.header.code)
                }
            }
        }
        guard !postponed.isEmpty else { return }
        let waiting = postponed
        postponed.removeAll()
        for item in waiting { try complete(item) }
    }

    private mutating func settle(_ item: Heard, at now: Int64) throws(BaridError) {
        let header = item.header
        let step = UInt64(item.place) << 32 | UInt64(header.number)
        if let desk = desk(of: item.place, office: stepOffices[step] ?? 0) {
            desks[desk].used.messages += 1
            desks[desk].used.bytes += UInt64(header.envelopeLength) + UInt64(header.bodyLength)
            if !desks[desk].isDue {
                desks[desk].isDue = true
                due.append(desk)
            }
        }
        // A delivery may overtake the receipt of its submission; it is counted all the same.
        let isAgain = flows[header.serial, default: Flow(begunAt: 0)].deliver()
        if plan.work == .backlog {
            if isAgain { figures.duplicatedCount += 1 }
            flows[header.serial]?.begunAt = now
        }
        try complete(item)
    }

    private mutating func complete(_ item: Heard) throws(BaridError) {
        guard unanswered[item.place] < Self.unansweredMax else { return postponed.append(item) }
        var complete = Header(.complete)
        complete.subject = item.header.subject
        complete.generation = item.header.generation
        complete.serial = item.header.serial
        _ = try group.ask(item.place, complete)
        unanswered[item.place] += 1
    }

    private mutating func take(_ header: Header, _ place: Int, at now: Int64) {
        if header.generation > 0 {
            if commits.first == 0 { commits.first = header.generation }
            commits.last = max(commits.last, header.generation)
        }
        let request = UInt64(place) << 32 | UInt64(header.number)
        if let begunAt = submitted.removeValue(forKey: request) {
            figures.submitCount += 1
            figures.submit.add(UInt64(max(0, now - begunAt)) / 1_000)
            if header.flags & Header.repeatedFlag != 0 { figures.duplicatedCount += 1 }
            guard plan.work == .flow else { return }
            flows[header.serial, default: Flow(begunAt: 0)].begunAt = begunAt
            return finish(header.serial, at: now)
        }
        figures.hopCount += 1
        guard let flow = flows[header.serial] else { return figures.duplicatedCount += 1 }
        guard plan.work == .flow else {
            figures.hop.add(UInt64(max(0, now - flow.begunAt)) / 1_000)
            flows[header.serial] = nil
            return
        }
        flows[header.serial]?.completedCount += 1
        finish(header.serial, at: now)
    }

    private mutating func finish(_ serial: UInt64, at now: Int64) {
        guard let flow = flows[serial], flow.completedCount >= plan.visitCount, flow.begunAt > 0
        else { return }
        flows[serial] = nil
        figures.duplicatedCount += UInt64(max(0, Int(flow.deliveredCount) - plan.visitCount))
        figures.flowCount += 1
        figures.flow.add(UInt64(max(0, now - flow.begunAt)) / 1_000)
    }

    // MARK: Credit

    /// The desk of a session at an office; nil if it does not staff it.
    private func desk(of place: Int, office: Int) -> Int? {
        let index = plan.sessionCount >= plan.officeCount ? place : office
        return desks.indices.contains(index) ? index : nil
    }

    /// Grants back what was used at a desk, once it is a quarter of what it was given.
    private mutating func giveBack() throws(BaridError) {
        var waiting: [Int] = []
        for index in due {
            let share = desks[index].used
            guard
                share.messages * 4 >= credit.messages || share.bytes * 4 >= credit.bytes
            else {
                waiting.append(index)
                continue
            }
            desks[index].used = (0, 0)
            desks[index].isDue = false
            try grant(index, share)
        }
        due = waiting
    }

    private mutating func grant(
        _ index: Int,
        _ share: (messages: UInt64, bytes: UInt64)
    ) throws(BaridError) {
        var header = Header(.credit)
        header.subject = desks[index].number
        header.generation = share.messages
        header.serial = share.bytes
        _ = try group.ask(desks[index].place, header)
    }
}
