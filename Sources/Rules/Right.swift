// SPDX-License-Identifier: Apache-2.0

/// What an agency may be granted; each right is granted on a pattern of things.
///
/// Numbers are stored in the ledger and never reused.
package enum Right: UInt8, CaseIterable, Sendable {
    /// To staff an office: be handed its referrals, and settle them.
    case staff = 1
    /// To read the content of what is handed to an office; without it deliveries come without body.
    case read = 2
    /// To refer a case ad hoc to an office, or to put it into the rest of an itinerary.
    case refer = 3
    /// To submit cases of a procedure and act on closed ones.
    case submit = 4
    /// To replace the rest of the itinerary of a case of a procedure.
    case amend = 5
    /// To report acts on cases of a procedure with an earlier instant.
    case backdate = 6
    /// To look up the trail of cases of a procedure.
    case track = 7
    /// To publish on a topic.
    case publish = 8
    /// To subscribe to topics.
    case subscribe = 9
    /// To ask a service.
    case ask = 10
    /// To offer a service.
    case offer = 11
    /// To look at the catalogue.
    case catalogue = 12

    /// What its patterns name.
    package enum Object: Sendable {
        case office
        case procedure
        case topic
        case service
        /// There is only one: the pattern is `*`.
        case bus
    }

    /// What its patterns name.
    package var object: Object {
        switch self {
        case .staff, .read, .refer: .office
        case .submit, .amend, .backdate, .track: .procedure
        case .publish, .subscribe: .topic
        case .ask, .offer: .service
        case .catalogue: .bus
        }
    }

    /// Whether it is judged by the classification of a procedure.
    package var isClassified: Bool { object == .office || object == .procedure }

    /// The word in tables and JSON.
    package var word: String {
        switch self {
        case .staff: "staff"
        case .read: "read"
        case .refer: "refer"
        case .submit: "submit"
        case .amend: "amend"
        case .backdate: "backdate"
        case .track: "track"
        case .publish: "publish"
        case .subscribe: "subscribe"
        case .ask: "ask"
        case .offer: "offer"
        case .catalogue: "catalogue"
        }
    }

    /// The right of a word; nil if there is none.
    package init?(word: String) {
        guard let right = Self.allCases.first(where: { $0.word == word }) else { return nil }
        self = right
    }
}
