// SPDX-License-Identifier: Apache-2.0

package import Wire

/// A key as an operator enrolled it.
package struct EnrolledKey: Hashable, Sendable {
    /// Counted from 1 over the whole ledger and never reused.
    package var number: UInt32
    package var agency: String
    package var publicKey: PublicKey
    /// First instant it is good for, in milliseconds since 1970.
    package var begins: Int64
    /// First instant it is no longer good for.
    package var ends: Int64
    package var isRevoked: Bool

    /// A key.
    package init(
        number: UInt32,
        agency: String,
        publicKey: PublicKey,
        begins: Int64,
        ends: Int64,
        isRevoked: Bool = false
    ) {
        self.number = number
        self.agency = agency
        self.publicKey = publicKey
        self.begins = begins
        self.ends = ends
        self.isRevoked = isRevoked
    }

    /// What libzmq attaches to every frame of a peer that proved the key: `agency#number`.
    package var userID: String { "\(agency)#\(number)" }

    /// Whether it is good at an instant, its agency's standing apart.
    package func isGood(at instant: Int64) -> Bool {
        !isRevoked && begins <= instant && instant < ends
    }
}

/// Why a peer is not let in, or not any longer.
package enum Denial: UInt8, CaseIterable, Error, Sendable {
    /// No operator enrolled the key.
    case unknownKey = 1
    /// The key was revoked.
    case revoked = 2
    /// The key's time has not begun or is over.
    case outOfTime = 3
    /// The agency is suspended.
    case suspended = 4
    /// A frame without proof of identity, at an endpoint that demands it.
    case unproven = 5
    /// `hello` named another agency than the key's.
    case otherAgency = 6
    /// More of something than the peer or its agency may have.
    case limit = 7
    /// A message that never ends, frame after frame.
    case endless = 8
    /// No `hello` in time.
    case silent = 9
    /// No rule of the policy allows what was asked.
    case notGranted = 10

    /// The word in tables and the journal.
    package var word: String {
        switch self {
        case .unknownKey: "unknown-key"
        case .revoked: "revoked"
        case .outOfTime: "out-of-time"
        case .suspended: "suspended"
        case .unproven: "unproven"
        case .otherAgency: "other-agency"
        case .limit: "limit"
        case .endless: "endless"
        case .silent: "silent"
        case .notGranted: "not-granted"
        }
    }
}

/// Who may come in and what they may do: the value the ledger gives the courier whenever any of it
/// changes.
///
/// Before the first one nobody with a key comes in.
package struct Access: Equatable, Sendable {
    /// Rises with every change.
    package var epoch: UInt64 = 0
    /// Every key ever enrolled.
    package private(set) var keys: [PublicKey: EnrolledKey] = [:]
    private var byUser: [String: PublicKey] = [:]
    /// Agencies whose connections are refused, whatever road they come by.
    package var suspended: Set<String> = []
    package var policy = Policy()
    /// Agencies with other limits than `Quota.default`.
    package var quotas: [String: Quota] = [:]

    /// Nobody may come in.
    package init() {}

    /// Adds a key.
    package mutating func enrol(_ key: EnrolledKey) {
        keys[key.publicKey] = key
        byUser[key.userID] = key.publicKey
    }

    /// The key a peer proved, by the user libzmq knows it as.
    package func key(ofUser userID: String) -> EnrolledKey? {
        byUser[userID].flatMap { keys[$0] }
    }

    /// The limits of an agency.
    package func quota(of agency: String) -> Quota { quotas[agency] ?? .default }

    /// Whether a peer that has proven a key may come in now, and as whom.
    ///
    /// - Throws: `Denial`.
    package func admit(_ key: PublicKey, at instant: Int64) throws(Denial) -> EnrolledKey {
        guard let enrolled = keys[key] else { throw .unknownKey }
        if let denial = denial(of: enrolled, at: instant) { throw denial }
        return enrolled
    }

    /// Why a key that was let in may not go on, or nil.
    package func denial(of key: EnrolledKey, at instant: Int64) -> Denial? {
        guard let current = keys[key.publicKey], current.number == key.number else {
            return .unknownKey
        }
        guard !current.isRevoked else { return .revoked }
        guard current.isGood(at: instant) else { return .outOfTime }
        return suspended.contains(current.agency) ? .suspended : nil
    }
}
