// SPDX-License-Identifier: Apache-2.0

internal import Rules
internal import Wire

/// One service connection that said hello.
///
/// A class because the tables, the packet being written and the list of those to send to all mean
/// the same session; confined to the bus thread.
final class Session {
    /// Where a session is between hello and bye.
    enum Phase: Equatable {
        /// The ledger has not answered the hello of this number yet.
        case opening(UInt32)
        case open
        /// The ledger has not answered the bye of this number yet.
        case leaving(UInt32)
        /// The last answer is in the packet or outbox; the session goes when that has been sent.
        case left
    }

    /// Rising from 1, never used twice.
    let number: UInt32
    let gate: Int
    let route: UInt32
    /// What the client shows to take the session's place after a reconnect.
    let token: Identifier
    let agency: String
    /// Who is behind it, as a key proves; nil at an open gate.
    let identity: Identity?
    /// The connection it came by; -1 if libzmq does not know.
    let descriptor: Int32
    /// `User-Id` of its frames, ended by a zero byte.
    let userID: [CChar]
    /// What its agency has and does; nil at an open gate.
    let meter: AgencyMeter?
    /// Questions of its own that count against its agency's limit.
    var questionCount = 0
    /// The epoch of the policy under which it was last found good.
    var accessEpoch: UInt64 = 0
    var phase: Phase
    /// When a packet last came, in milliseconds of the time the bus listened.
    var lastSeen: Int64
    /// Requests forwarded that the ledger has neither answered nor refused.
    var unansweredCount = 0
    /// What this turn tells the session, or nil.
    var packet: Packet?
    var outbox = Outbox()
    /// Bytes of deliveries and durable events it was told since it began, and of those the ledger was
    /// told have passed.
    var toldBytes: UInt64 = 0
    var passedBytes: UInt64 = 0
    /// Bytes of the events kept for it while it is slow.
    var keptBytes = 0
    /// Requests about offers that the ledger has not judged yet, by their numbers.
    var pendingOffers: [UInt32: PendingOffer] = [:]
    /// Whether the ledger was told that the session ended.
    var isEndTold = false
    /// Whether the session has left the table; what is meant for it then is dropped.
    var isGone = false

    /// Whether no further packet may wait; the packet that passed the limit still does.
    ///
    /// What was delivered under credit does not count, since the ledger hands out no more of it than may
    /// be under way: who obeys credit is never ended for being slow to read.
    var isOutboxFull: Bool {
        outbox.byteCount > Outbox.bytesMax + Int(toldBytes - passedBytes)
    }

    init(
        number: UInt32,
        gate: Int,
        route: UInt32,
        token: Identifier,
        agency: String,
        identity: Identity? = nil,
        descriptor: Int32 = -1,
        meter: AgencyMeter? = nil,
        helloNumber: UInt32,
        lastSeen: Int64
    ) {
        self.number = number
        self.gate = gate
        self.route = route
        self.token = token
        self.agency = agency
        self.identity = identity
        self.descriptor = descriptor
        self.meter = meter
        userID = Array((identity?.key.userID ?? "").utf8CString)
        self.lastSeen = lastSeen
        phase = .opening(helloNumber)
    }
}
