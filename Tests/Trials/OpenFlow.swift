// SPDX-License-Identifier: Apache-2.0

import BaridClient
import Platform
import Wire

/// A flow at a fixed rate that is measured from when each case *should* have been submitted, so that
/// a bus that stands still for a while is charged for every case that came meanwhile.
struct OpenFlow: ~Copyable {
    /// What one phase found, in microseconds.
    struct Times {
        var submitted: [UInt64] = []
        var carried: [UInt64] = []

        /// The 99th percentile of sorted or unsorted times; 0 of none.
        static func p99(_ times: [UInt64]) -> UInt64 {
            guard !times.isEmpty else { return 0 }
            return times.sorted()[(times.count * 99 + 99) / 100 - 1]
        }
    }

    private struct Case {
        var due: UInt64 = 0
        var deliveredCount = 0
        var completedCount = 0
    }

    private var group: RawGroup
    private let timer: AlarmTimer
    private let names: [String]
    private let offices: [UInt64]
    private let envelope: [UInt8]
    private let body = [UInt8](repeating: 7, count: 256)
    private let key: UInt64
    private var keyCount: UInt64 = 0
    /// When the submissions not answered yet were due, by request.
    private var asked: [UInt32: UInt64] = [:]
    /// Cases on their way, by serial.
    private var cases: [UInt64: Case] = [:]
    /// The office of each announced step.
    private var stepOffices: [UInt32: Int] = [:]
    private var heard: [Header] = []
    private(set) var submittedCount = 0
    private(set) var carriedCount = 0
    /// Deliveries and repeated answers that nobody waited for.
    private(set) var strangeCount = 0

    private static let officeCount = 3

    /// Opens a session and staffs three offices of an agency.
    init(endpoint: String, agency: String, credentials: Credentials) throws {
        var group = try RawGroup(endpoint: endpoint, credentials: credentials)
        let timer = try AlarmTimer()
        group.watch(timer)
        _ = try group.open(agency: agency, name: "flow")
        let names = (1...Self.officeCount).map { "\(agency)/o\($0)" }
        var offices: [UInt64] = []
        for name in names {
            var attach = Envelope.Attach()
            attach.office = name
            let envelope = Envelope.bytes(of: attach)
            let office = try group.call(0, Header(.attach), envelope: envelope).subject
            _ = try Self.grant(
                office,
                Limits.creditMessagesMax,
                Limits.creditBytesMax,
                with: &group
            )
            offices.append(office)
        }
        try group.flush()
        self.names = names
        self.offices = offices
        envelope = RawGroup.caseEnvelope(
            procedure: "itinerary",
            subject: "flow",
            itinerary: names
        )
        key = UInt64.random(in: 1 ... .max)
        self.timer = timer
        self.group = group
    }

    private static func grant(
        _ office: UInt64,
        _ messages: UInt64,
        _ bytes: UInt64,
        with group: inout RawGroup
    ) throws {
        var header = Header(.credit)
        header.subject = office
        header.generation = messages
        header.serial = bytes
        _ = try group.ask(0, header)
    }

    /// Submits so many cases a second for a while, and carries them through the offices.
    mutating func run(perSecond: Int, milliseconds: Int64) throws -> Times {
        var times = Times()
        let pause = 1_000_000 / UInt64(perSecond)
        var due = Self.now()
        let end = due + UInt64(milliseconds) * 1_000
        while due < end {
            var now = Self.now()
            while due <= now, due < end {
                keyCount += 1
                submittedCount += 1
                var header = Header(.submit)
                header.flags = Wire.Lane.normal.rawValue
                header.id = Identifier(high: key, low: keyCount)
                let number = try group.ask(0, header, envelope: envelope, body: body)
                asked[number] = due
                due += pause
            }
            try group.flush()
            now = Self.now()
            // The timer wakes at the microsecond, where a pause is counted in milliseconds.
            timer.set(to: Int64(due) * 1_000)
            try take(waiting: due > now ? 1_000 : 0, &times)
        }
        // All of them count, also those that come late.
        let limit = Clock.monotonicMilliseconds() + 20_000
        while !(asked.isEmpty && cases.isEmpty), Clock.monotonicMilliseconds() < limit {
            try take(waiting: 100, &times)
        }
        return times
    }

    /// Keeps the session alive while nothing is measured.
    mutating func beat() throws {
        var times = Times()
        try group.beat()
        try group.flush()
        try take(waiting: 0, &times)
    }

    /// Cases that were submitted and did not come to their end.
    var lostCount: Int { submittedCount - carriedCount }

    private mutating func take(waiting milliseconds: Int, _ times: inout Times) throws {
        var heard = heard
        var stepOffices = stepOffices
        let names = names
        heard.removeAll(keepingCapacity: true)
        try group.receive(timeoutMilliseconds: milliseconds) { _, header, envelope in
            guard header.verb == .step else { return heard.append(header) }
            let step = try? Envelope.read(Envelope.Step.self, from: envelope)
            stepOffices[header.number] = step.flatMap { names.firstIndex(of: $0.office) }
        }
        self.heard = heard
        self.stepOffices = stepOffices
        let now = Self.now()
        for header in heard { try take(header, now, &times) }
        try group.flush()
    }

    private mutating func take(_ header: Header, _ now: UInt64, _ times: inout Times) throws {
        switch header.verb {
        case .refusal: throw BaridError.refusal(header.code)
        case .delivery:
            cases[header.serial, default: Case()].deliveredCount += 1
            var complete = Header(.complete)
            complete.subject = header.subject
            complete.generation = header.generation
            complete.serial = header.serial
            _ = try group.ask(0, complete)
            guard let office = stepOffices[header.number] else { return }
            let bytes = UInt64(header.envelopeLength) + UInt64(header.bodyLength)
            try Self.grant(offices[office], 1, bytes, with: &group)
        case .answer:
            if let due = asked.removeValue(forKey: header.number) {
                times.submitted.append(now - min(now, due))
                cases[header.serial, default: Case()].due = due
            } else if cases[header.serial] != nil {
                cases[header.serial]?.completedCount += 1
            } else {
                strangeCount += 1
            }
            finish(header.serial, now, &times)
        default: break
        }
    }

    private mutating func finish(_ serial: UInt64, _ now: UInt64, _ times: inout Times) {
        guard let carried = cases[serial], carried.due > 0,
            carried.completedCount >= Self.officeCount
        else { return }
        strangeCount += carried.deliveredCount - Self.officeCount
        times.carried.append(now - min(now, carried.due))
        cases[serial] = nil
        carriedCount += 1
    }

    private static func now() -> UInt64 { UInt64(Clock.monotonicNanoseconds() / 1_000) }
}
