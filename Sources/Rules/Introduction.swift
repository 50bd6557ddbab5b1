// SPDX-License-Identifier: Apache-2.0

/// Who opened a session, as its key proves.
package struct Introduction: Sendable {
    /// The session.
    package var session: UInt32
    /// The key it proved.
    package var key: EnrolledKey
    /// Where it comes from: an address and a port.
    package var address: String

    /// An introduction.
    package init(session: UInt32, key: EnrolledKey, address: String) {
        self.session = session
        self.key = key
        self.address = address
    }
}

/// Refusals of one kind to one peer, counted since the last account of them.
package struct DenialCount: Equatable, Sendable {
    package var denial: Denial
    /// The agency, where a key proved it; empty otherwise.
    package var agency: String
    /// Who it was: `agency#key`, or the address.
    package var peer: String
    package var count: UInt64

    /// An account.
    package init(denial: Denial, agency: String, peer: String, count: UInt64) {
        self.denial = denial
        self.agency = agency
        self.peer = peer
        self.count = count
    }
}
