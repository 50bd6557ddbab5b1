// SPDX-License-Identifier: Apache-2.0

internal import Platform
internal import Rules
internal import Wire
internal import ZeroMQ

/// All that the bus thread owns, and one turn of its work.
///
/// `Hearing.swift` reads what clients ask, `Admission.swift` opens and ends sessions, and
/// `Telling.swift` sends.
struct Switchboard: ~Copyable {
    /// How far the bus has come in stopping.
    enum Stage {
        case serving
        /// New sessions and cases are refused; settling goes on.
        case draining
        /// The last batch was handed over; everything is refused.
        case closing
    }

    /// Frames drained from a gate in one turn.
    static let frameCountMax = 256
    /// Operations that are worth being applied while the batch before them is synced.
    ///
    /// Fewer join those that come meanwhile: a sync costs as much for one as for all of them.
    static let earlyCountMin = 128
    /// Batches of durable events put out in one turn.
    static let feedsInTurnMax = 16
    /// Pause between sweeps, in milliseconds.
    static let sweepMilliseconds: Int64 = 1_000
    /// Pause between attempts to send to a peer whose queue is full, in milliseconds.
    ///
    /// A ROUTER's readiness to write says nothing about one peer, so there is nothing to wait for.
    static let retryMilliseconds: Int64 = 5

    let configuration: BusConfiguration
    let ledger: LedgerLine
    let clock: @Sendable () -> Int64
    let wallClock: @Sendable () -> Int64
    let texts = RefusalTexts()
    let gates: [Gate]
    /// Guards the keyed gates; nil where there is none.
    let door: Doorkeeper?
    /// Who sends messages without end.
    let messages: MessageWatch
    /// What was refused at gates that are not keyed.
    var openAccount = DenialAccount()
    let bulletin: Bulletin?
    let announcements: Mailbox<Announcement>
    let cuts: Mailbox<UInt32>
    private let signalSlot: Int
    private let arrivalSlot: Int
    private var poller: Poller

    var sessions = SessionTable()
    /// What gathers while the ledger works.
    var batch = Batch()
    /// Batches the ledger has not completed, two at most.
    private var batchesOutstanding = 0
    private(set) var stage = Stage.serving
    var counters = BusCounters()

    /// Sessions with a packet to send this turn; some may be gone or here twice.
    var touched: [Session] = []
    /// Sessions whose outbox is not empty; some may be gone.
    var congested: [Session] = []
    var pool = PacketPool()
    var live = LiveTable()
    /// The topic that was last found to be an agency's own.
    var lastPublished = (topic: "", agency: "")
    /// Slots found for the event that is put out now.
    var matches: [UInt32] = []
    /// The event that is put out now, as it is copied for each subscription.
    let template = Packet()
    /// Whether the ledger may have fed more than one turn puts out.
    var isFeedLeft = false
    var questions = Questions()
    /// Sessions that left and whose questions still count on them.
    var departures: [UInt32] = []
    var report = ServiceReport()
    /// Whether `report` changed since it was published.
    var hasNewFigures = false
    /// Refusals for the peer that is heard now and has no session.
    let stray = Packet()

    /// Agencies whose sessions end whatever road they came by.
    var suspended: Set<String> = []
    private(set) var now: Int64
    /// Wall clock of the turn, in milliseconds since 1970; read only where there is a door.
    var wall: Int64 = 0
    var nextRetry: Int64
    private var lastSweep: Int64
    private(set) var isSwept = false
    private var firstGate = 0
    private var isListening = true
    /// Whether the last look at the gates left nothing finished behind.
    private(set) var areGatesEmpty = false
    private var deafSince: Int64 = 0
    private var deafMilliseconds: Int64 = 0

    /// A board over one or more bound gates that `poller` watches, as it does the ledger's signal.
    init(
        configuration: BusConfiguration,
        gates: [Gate],
        door: Doorkeeper?,
        messages: MessageWatch,
        bulletin: Bulletin?,
        announcements: Mailbox<Announcement>,
        cuts: Mailbox<UInt32>,
        poller: consuming Poller,
        signalSlot: Int,
        ledger: LedgerLine,
        now clock: @escaping @Sendable () -> Int64,
        wallNow: @escaping @Sendable () -> Int64
    ) {
        self.configuration = configuration
        self.gates = gates
        self.door = door
        self.messages = messages
        self.bulletin = bulletin
        self.announcements = announcements
        self.cuts = cuts
        var poller = poller
        arrivalSlot = poller.add(fileDescriptor: messages.fileDescriptor)
        self.poller = poller
        self.signalSlot = signalSlot
        self.ledger = ledger
        self.clock = clock
        wallClock = wallNow
        now = clock()
        lastSweep = now
        nextRetry = now
    }

    /// The endpoints as bound, with the ports the system chose, the bulletin last.
    var boundEndpoints: [String] {
        gates.map(\.endpoint) + (bulletin.map { [$0.endpoint] } ?? [])
    }

    /// Milliseconds the bus has been listening: silence while we did not listen is not the peer's.
    var listeningNow: Int64 { (isListening ? now : deafSince) - deafMilliseconds }

    /// Whether the last batch is complete, so that only farewells are left to send.
    var isDrained: Bool { stage == .closing && batchesOutstanding == 0 }

    /// Refuses new sessions and cases from now on, and everything once the gathered batch is handed
    /// over.
    mutating func beginDraining() {
        if stage == .serving { stage = .draining }
    }

    /// Waits for work and does what there is.
    ///
    /// Effects come first, so that the ledger has its next batch while we do the rest.
    mutating func turn() throws(ZeroMQFault) {
        setListening(!batch.isFull)
        // Bytes arrive all the time: they wake us only when it is time for a look.
        poller.setInterest(now >= messages.nextLook ? .readable : [], of: arrivalSlot)
        _ = try poller.waitForWork(timeoutMilliseconds: patienceMilliseconds)
        let isWoken = poller.readiness(of: signalSlot) != []
        if isWoken { ledger.signal.drain() }
        now = clock()
        if door != nil { wall = wallClock() }
        try collectEffects()
        if isWoken || isFeedLeft { try putOutFeed() }
        if isWoken { try announce() }
        if isWoken { try cutSessions() }
        try attendDoor()
        try listen()
        handOver()
        try settleDepartures()
        try wakeQuestions()
        try flush()
        try retry()
        try lookRound()
        try sweep()
    }

    /// Tells every session that the bus stops, and gives what waits half a second to leave.
    mutating func sayFarewell() throws(ZeroMQFault) {
        try refuseQuestions()
        let envelope = texts.envelope(of: .draining)
        for session in sessions.all {
            var header = Header(.farewell)
            header.code = RefusalCode.draining.rawValue
            try tell(session, header, envelope: envelope)
        }
        try flush()
        setListening(false)
        // Nothing but room for what waits may end a pause.
        for slot in [signalSlot, arrivalSlot] + gates.map(\.eventSlot) {
            poller.setInterest([], of: slot)
        }
        // Counted, not timed, so that a clock that stands still cannot hold us.
        for _ in 0..<100 where !congested.isEmpty {
            _ = try poller.waitForWork(timeoutMilliseconds: Int(Self.retryMilliseconds))
            nextRetry = now
            try retry()
        }
        counters.sessions = 0
        counters.subscriptions = 0
        counters.questions = 0
    }

    private var patienceMilliseconds: Int {
        // What gathered after the hand-over, and the end of draining, wait for no one.
        if batchesOutstanding == 0, !batch.isEmpty || stage == .draining { return 0 }
        if isFeedLeft || !departures.isEmpty { return 0 }
        let round = congested.isEmpty ? lastSweep + Self.sweepMilliseconds : nextRetry
        let look =
            now < messages.nextLook || messages.isInDoubt ? messages.nextLook : .max
        let due = min(round, look, questions.nextAlarm ?? .max, door?.nextLook ?? .max)
        return Int(min(max(due - now, 0), Self.sweepMilliseconds))
    }

    /// Whether bytes have arrived that should be looked at now.
    var isMessageWatchDue: Bool {
        guard now >= messages.nextLook else { return false }
        return messages.isInDoubt || poller.readiness(of: arrivalSlot) != []
    }

    /// Whether something happened to a connection of a gate.
    func hasEvents(_ gate: Gate) -> Bool { poller.readiness(of: gate.eventSlot) != [] }

    private mutating func collectEffects() throws(ZeroMQFault) {
        while let effects = ledger.collect() {
            if effects.batchesCompleted > 0 {
                batchesOutstanding -= effects.batchesCompleted
                handOver()
            }
            try tell(effects)
        }
    }

    /// Hands the gathered batch to the ledger, unless that still works on the last and the batch is
    /// too small to be worth work beside the last one's sync.
    private mutating func handOver() {
        guard stage != .closing, batchesOutstanding < 2 else { return }
        guard batchesOutstanding == 0 || batch.operations.count >= Self.earlyCountMin else {
            return
        }
        if stage == .draining { stage = .closing }
        guard !batch.isEmpty else { return }
        batchesOutstanding += 1
        counters.batches += 1
        let gathered = batch
        batch = Batch()
        ledger.hand(gathered)
    }

    /// Drains the gates in turn, each turn beginning with another, until the batch is full.
    private mutating func listen() throws(ZeroMQFault) {
        areGatesEmpty = isListening
        firstGate = (firstGate + 1) % gates.count
        for place in gates.indices {
            let index = (firstGate + place) % gates.count
            guard poller.readiness(of: gates[index].slot) != [] else { continue }
            var frameBudget = Self.frameCountMax
            while frameBudget > 0, !batch.isFull,
                try hearNext(at: index, frameBudget: &frameBudget)
            {}
            if frameBudget <= 0 || batch.isFull { areGatesEmpty = false }
        }
    }

    /// Stops or resumes reading; libzmq's high-water mark holds the senders meanwhile.
    private mutating func setListening(_ shouldListen: Bool) {
        guard shouldListen != isListening else { return }
        if shouldListen { deafMilliseconds += now - deafSince } else { deafSince = now }
        isListening = shouldListen
        for gate in gates { poller.setInterest(shouldListen ? .readable : [], of: gate.slot) }
    }

    /// Once a second ends the sessions that were silent for too long.
    private mutating func sweep() throws(ZeroMQFault) {
        isSwept = now - lastSweep >= Self.sweepMilliseconds
        guard isSwept else { return }
        lastSweep = now
        accountForDenials()
        let deadline = listeningNow - Limits.expiryMilliseconds
        for session in sessions.all where session.lastSeen <= deadline {
            try end(session, farewell: .noSession)
        }
        counters.sessions = sessions.count
        counters.sweeps += 1
        counters.sweptAt = now
        counters.subscriptions = live.count
        counters.questions = questions.openCount
        try announceHead()
    }
}
