// SPDX-License-Identifier: Apache-2.0

/// Of `office.show`, `office.pause`, `office.resume` and `queue.show`.
package struct OfficeArguments: CommandArguments {
    package static let names: Set<String> = ["office"]
    /// `agency/office`.
    package var office: String

    /// These arguments.
    package init(office: String) { self.office = office }
}

/// Of `queue.peek`.
package struct PeekArguments: CommandArguments {
    package static let names: Set<String> = ["office", "lane", "limit"]
    package var office: String
    /// `urgent`, `normal` or `bulk`; all if nil.
    package var lane: String?
    /// Referrals at most, 1...10 000; 20 if nil.
    package var limit: UInt32?

    /// These arguments.
    package init(office: String, lane: String? = nil, limit: UInt32? = nil) {
        self.office = office
        self.lane = lane
        self.limit = limit
    }
}

/// Of `queue.move`.
package struct MoveArguments: CommandArguments {
    package static let names: Set<String> = ["office", "to", "lane", "limit", "token"]
    package var office: String
    /// The office they go to.
    package var to: String
    /// Only those of this lane.
    package var lane: String?
    /// Referrals at most, from the head of the queue, 1...10 000; 10 000 if nil.
    package var limit: UInt32?
    /// Carries out the plan of this token; nil asks for a plan.
    package var token: String?

    /// These arguments.
    package init(
        office: String,
        to: String,
        lane: String? = nil,
        limit: UInt32? = nil,
        token: String? = nil
    ) {
        self.office = office
        self.to = to
        self.lane = lane
        self.limit = limit
        self.token = token
    }
}

/// Of `case.reroute`.
package struct RerouteArguments: CommandArguments {
    package static let names: Set<String> = ["number", "to", "referral"]
    /// Case number, as a person writes it.
    package var number: String
    /// The office it goes to.
    package var to: String
    /// Which branch; may be nil where the case has only one.
    package var referral: UInt64?

    /// These arguments.
    package init(number: String, to: String, referral: UInt64? = nil) {
        self.number = number
        self.to = to
        self.referral = referral
    }
}

/// Of `dead.show`.
package struct ReferralArguments: CommandArguments {
    package static let names: Set<String> = ["referral"]
    package var referral: UInt64

    /// These arguments.
    package init(referral: UInt64) { self.referral = referral }
}

/// Of `dead.redirect`: as `dead.retry`, and the office they go to.
package struct RedirectArguments: CommandArguments {
    package static let names: Set<String> = [
        "referral", "number", "all", "office", "to", "token",
    ]
    package var referral: UInt64?
    package var number: String?
    package var all: Bool?
    package var office: String?
    /// The office they go to.
    package var to: String
    /// Carries out the plan of this token; nil asks for a plan.
    package var token: String?

    /// The arguments that select these.
    package init(_ selection: DeadSelection, to: String, token: String? = nil) {
        let selected = DeadArguments(selection)
        referral = selected.referral
        number = selected.number
        all = selected.all
        office = selected.office
        self.to = to
        self.token = token
    }

    /// What is selected; nil unless it is said in exactly one way.
    var selection: DeadSelection? {
        var selected = DeadArguments(.all(office: office))
        selected.all = all
        selected.referral = referral
        selected.number = number
        return selected.selection
    }
}

/// Of `session.cut`.
package struct SessionArguments: CommandArguments {
    package static let names: Set<String> = ["session"]
    /// Number of the session, as `session.list` tells it.
    package var session: UInt32

    /// These arguments.
    package init(session: UInt32) { self.session = session }
}

/// Of `log.verify`.
package struct ChainArguments: CommandArguments {
    package static let names: Set<String> = ["after", "hash"]
    /// Position after which records are checked; 0 if nil.
    package var after: UInt64?
    /// What the hash there must be, hexadecimal.
    package var hash: String?

    /// These arguments.
    package init(after: UInt64? = nil, hash: String? = nil) {
        self.after = after
        self.hash = hash
    }
}

/// Of `events`.
package struct EventsArguments: CommandArguments {
    package static let names: Set<String> = ["after", "limit", "follow"]
    /// Position after which records are told; the end of the journal if nil.
    package var after: UInt64?
    /// Records at most.
    package var limit: UInt64?
    /// Whether to wait for what comes; false if nil.
    package var follow: Bool?

    /// These arguments.
    package init(after: UInt64? = nil, limit: UInt64? = nil, follow: Bool? = nil) {
        self.after = after
        self.limit = limit
        self.follow = follow
    }
}

/// Of `top`.
package struct TopArguments: CommandArguments {
    package static let names: Set<String> = ["limit"]
    /// Offices at most, the busiest first; 20 if nil.
    package var limit: UInt32?

    /// These arguments.
    package init(limit: UInt32? = nil) { self.limit = limit }
}

/// Of `drain`.
package struct TokenArguments: CommandArguments {
    package static let names: Set<String> = ["token"]
    /// Carries out the plan of this token; nil asks for a plan.
    package var token: String?

    /// These arguments.
    package init(token: String? = nil) { self.token = token }
}
