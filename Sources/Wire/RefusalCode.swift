// SPDX-License-Identifier: Apache-2.0

/// Who refused: the client's own library, the bus, or an office.
package enum Refuser: String, Sendable {
    case client
    case bus
    case office
}

/// Every reason for a refusal, one list for the whole bus (`Protocols/bus.md` § Refusals).
///
/// Numbers are never reused. Hundreds group them: 1 protocol and session, 2 submitting, 3 settling,
/// 4 limits and times, 5 offices, 6 the client library.
package enum RefusalCode: UInt16, CaseIterable, Error, Sendable {
    case malformed = 100
    case unknownVerb = 101
    case unknownFlag = 102
    case wrongLevel = 103
    case noSession = 104
    case envelopeTooLarge = 105
    case bodyTooLarge = 106
    case envelopeInvalid = 107
    case multipart = 108
    case nameInvalid = 109
    case alreadyOpen = 110
    case revoked = 111
    case otherIdentity = 112

    case unknownProcedure = 200
    case unknownOffice = 201
    case keyConflict = 202
    case undeclaredAttribute = 203
    case attributeInvalid = 204
    case itineraryMissing = 205
    case itineraryNotAllowed = 206
    case itineraryTooLong = 207
    case inFuture = 208
    case mayNotBackdate = 209
    case dueNotAllowed = 210
    case unknownCase = 211
    case actionNotAllowed = 212
    case caseOpen = 213
    case noPath = 214
    case laneUnknown = 215
    case topicInvalid = 216
    case patternInvalid = 217
    case topicReserved = 218
    case sourceForeign = 219
    case startInvalid = 220
    case unknownService = 221
    case notOffered = 222
    case mayNotUse = 223
    case notGranted = 224
    case caseErased = 225

    case stale = 300
    case unknownReferral = 301
    case notAttached = 302
    case otherAgency = 303
    case unknownOutcome = 304
    case returnNotAllowed = 305
    case referNotAllowed = 306
    case alreadySettled = 307
    case inCustody = 308
    case notDead = 309
    case unknownSubscription = 310
    case unknownQuestion = 311
    case subscriptionDiffers = 312

    case busy = 400
    case storageFull = 401
    case tooManySessions = 402
    case tooManyOffices = 403
    case creditTooLarge = 404
    case draining = 405
    case unavailable = 406
    case tooManySubscriptions = 407
    case tooManyOffers = 408
    case deadlinePassed = 409
    case tooSlow = 410
    case forgotten = 411

    case custodyRefused = 500
    case answerRefused = 501

    case notConnected = 600
    case timedOut = 601
    case closed = 602
    case notAdmitted = 603

    /// Who refuses with this code.
    package var refuser: Refuser {
        switch rawValue {
        case 500..<600: .office
        case 600...: .client
        default: .bus
        }
    }

    /// Whether the same request may succeed later, unchanged.
    package var isRetriable: Bool {
        switch self {
        case .busy, .storageFull, .tooManySessions, .draining, .unavailable, .notOffered,
            .tooSlow, .notConnected, .timedOut:
            true
        default: false
        }
    }

    /// What happened and what to do next, in one sentence for people.
    package var text: String {
        switch self {
        case .malformed:
            "The message does not follow the protocol; nothing of it was done. Check the client."
        case .unknownVerb: "This verb is unknown to the bus; check the protocol level."
        case .unknownFlag: "A flag is set that the bus does not know; check the protocol level."
        case .wrongLevel: "Client and bus share no protocol level; upgrade the older of the two."
        case .noSession: "There is no session on this connection; send hello first."
        case .envelopeTooLarge: "The envelope is larger than 64 KiB; move content into the body."
        case .bodyTooLarge: "The body is larger than this bus accepts; see the limits in hello."
        case .envelopeInvalid: "The envelope is not valid Protocol Buffers for this verb."
        case .multipart: "A message must be one frame; nothing of it was done."
        case .nameInvalid:
            """
            A name is 1 to 100 bytes of a-z 0-9 . _ - and begins with a letter or digit; an office \
            is agency/office.
            """
        case .alreadyOpen: "The session is already open; send hello once."
        case .revoked:
            "The key or agency of this connection was suspended or revoked, or its time is over."
        case .otherIdentity: "The key of this connection belongs to another agency."
        case .unknownProcedure: "No procedure of this name is published."
        case .unknownOffice: "No office of this name exists; check the name or attach it first."
        case .keyConflict: "This key was used before with different content; choose a new key."
        case .undeclaredAttribute: "The procedure declares no attribute of this name."
        case .attributeInvalid: "An attribute is missing or not of the kind the procedure declares."
        case .itineraryMissing: "This procedure needs an itinerary of offices from the submitter."
        case .itineraryNotAllowed: "This procedure takes no itinerary from the submitter."
        case .itineraryTooLong: "The itinerary is longer than 200 offices."
        case .inFuture: "The claimed instant lies in the future; check the clock of the sender."
        case .mayNotBackdate: "The agency has no right to report acts with an earlier instant."
        case .dueNotAllowed: "This procedure sets the due date itself."
        case .unknownCase: "No case has this number."
        case .actionNotAllowed: "The procedure does not allow this action on the closed case."
        case .caseOpen: "The case is still open; the action is for closed cases."
        case .noPath: "No transition of the step fits the attributes of the case."
        case .laneUnknown: "There is no such priority lane; use urgent, normal or bulk."
        case .topicInvalid:
            """
            A topic is 1 to 16 words joined by dots, 200 bytes in all; a word is of a-z 0-9 _ - / \
            or %2e.
            """
        case .patternInvalid:
            "A pattern is a topic in which a word may be *, and the last word may be >."
        case .topicReserved:
            "The topic belongs to another agency or to the bus; an agency's topics begin with its name."
        case .sourceForeign: "The source of an event begins with the agency that publishes it."
        case .startInvalid:
            "The subscription cannot begin there; see the protocol for what it may be."
        case .unknownService:
            "A service is agency/service of the own agency, offered over a session that staffs an office."
        case .notOffered: "Nobody offers this service now; try again later or ask durably."
        case .mayNotUse: "The catalogue does not name this agency among those that may use it."
        case .notGranted: "No rule of the operators grants this to the agency."
        case .caseErased:
            "The content of the case was erased; its trail can be tracked, and nothing else be done."
        case .stale:
            "The lease has lapsed or was superseded; the case went on without this settlement."
        case .unknownReferral: "No referral of this number is waiting or held."
        case .notAttached: "The session does not staff this office; attach it first."
        case .otherAgency: "The office belongs to another agency."
        case .unknownOutcome: "The step declares no such outcome."
        case .returnNotAllowed: "The step cannot return the case: there is nowhere to return it to."
        case .referNotAllowed: "The step does not allow referring the case to other offices."
        case .alreadySettled: "The referral was settled before, in another way."
        case .inCustody: "The office already holds custody of this referral."
        case .notDead: "The referral is not a dead letter."
        case .unknownSubscription: "The session has no subscription of this number."
        case .unknownQuestion: "No such question waits for an answer of this session."
        case .subscriptionDiffers:
            "A durable subscription of this name has another pattern; forget it first or choose a name."
        case .busy: "The bus is at a limit; try again at the instant given."
        case .storageFull: "The disk of the bus is nearly full; it takes no new cases until freed."
        case .tooManySessions: "The bus has as many sessions as it admits; try again later."
        case .tooManyOffices: "The bus has as many offices as it admits; ask the operator."
        case .creditTooLarge: "More credit than 10 000 messages or 64 MiB for one office."
        case .draining: "The daemon is stopping; connect again shortly."
        case .unavailable: "The bus could not store the request; nothing was kept, try again."
        case .tooManySubscriptions: "The session or agency has as many subscriptions as it may."
        case .tooManyOffers: "The session offers as many services as it may."
        case .deadlinePassed: "No answer came before the deadline of the question."
        case .tooSlow: "The subscription ended because its reader was too slow; subscribe again."
        case .forgotten: "The durable subscription was ended for all its members."
        case .answerRefused: "The service did not answer the question and says why."
        case .custodyRefused: "The office refused custody of the case."
        case .notConnected: "The bus cannot be reached; check its address and that baridd runs."
        case .timedOut: "The bus did not answer in time; the request may be repeated safely."
        case .closed: "The connection was closed by this program."
        case .notAdmitted:
            "The bus does not admit this key; ask its operators whether it is enrolled and in force."
        }
    }
}
