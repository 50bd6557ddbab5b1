// SPDX-License-Identifier: Apache-2.0

internal import Wire

/// Why a request to the bus did not succeed: who refused, why, and whether to try again.
public struct BaridError: Error, Equatable, Sendable, CustomStringConvertible {
    /// A reason from the bus's one list of refusals (`Protocols/bus.md` § Refusals).
    public struct Code: RawRepresentable, Hashable, Sendable, CustomStringConvertible {
        /// The number on the wire; hundreds group the reasons.
        public let rawValue: UInt16

        /// A code of this number; codes unknown to this version are kept as they are.
        public init(rawValue: UInt16) { self.rawValue = rawValue }

        init(_ code: RefusalCode) { rawValue = code.rawValue }

        /// The name the specification gives it, such as `keyConflict`, or its number.
        public var description: String {
            RefusalCode(rawValue: rawValue).map { "\($0)" } ?? "refusal \(rawValue)"
        }

        /// The key was used before with different content.
        public static let keyConflict = Code(.keyConflict)
        /// No procedure of this name is published.
        public static let unknownProcedure = Code(.unknownProcedure)
        /// No office of this name exists.
        public static let unknownOffice = Code(.unknownOffice)
        /// No case has this number.
        public static let unknownCase = Code(.unknownCase)
        /// The lease has lapsed or was superseded.
        public static let stale = Code(.stale)
        /// No referral of this number is waiting or held.
        public static let unknownReferral = Code(.unknownReferral)
        /// The session does not staff this office.
        public static let notAttached = Code(.notAttached)
        /// The office belongs to another agency.
        public static let otherAgency = Code(.otherAgency)
        /// The step declares no such outcome.
        public static let unknownOutcome = Code(.unknownOutcome)
        /// The referral was settled before, in another way.
        public static let alreadySettled = Code(.alreadySettled)
        /// The agency has no right to report acts with an earlier instant.
        public static let mayNotBackdate = Code(.mayNotBackdate)
        /// The key or agency was suspended or revoked, or the key's time is over.
        public static let revoked = Code(.revoked)
        /// The key belongs to another agency.
        public static let otherIdentity = Code(.otherIdentity)
        /// No rule of the operators grants it.
        public static let notGranted = Code(.notGranted)
        /// The content of the closed case was erased; it can only be tracked.
        public static let caseErased = Code(.caseErased)
        /// The bus does not admit the key.
        public static let notAdmitted = Code(.notAdmitted)
        /// The topic is another agency's, or the bus's own.
        public static let topicReserved = Code(.topicReserved)
        /// A topic that the grammar does not allow.
        public static let topicInvalid = Code(.topicInvalid)
        /// A pattern that the grammar does not allow.
        public static let patternInvalid = Code(.patternInvalid)
        /// The source of an event is not the agency that publishes it.
        public static let sourceForeign = Code(.sourceForeign)
        /// No such start, or one for a live subscription.
        public static let startInvalid = Code(.startInvalid)
        /// The durable subscription of this name has another pattern.
        public static let subscriptionDiffers = Code(.subscriptionDiffers)
        /// The connection has no such subscription.
        public static let unknownSubscription = Code(.unknownSubscription)
        /// Not a service of the own agency, or no office is staffed.
        public static let unknownService = Code(.unknownService)
        /// Nobody offers the service now.
        public static let notOffered = Code(.notOffered)
        /// The catalogue names who may use it, and not this agency.
        public static let mayNotUse = Code(.mayNotUse)
        /// No such question waits for this session's answer.
        public static let unknownQuestion = Code(.unknownQuestion)
        /// No answer came before the deadline.
        public static let deadlinePassed = Code(.deadlinePassed)
        /// The service does not answer the question; the text says why.
        public static let answerRefused = Code(.answerRefused)
        /// The subscription ended because its reader was too slow.
        public static let tooSlow = Code(.tooSlow)
        /// The durable subscription was ended for all its members.
        public static let forgotten = Code(.forgotten)
        /// The bus is at a limit.
        public static let busy = Code(.busy)
        /// The disk of the bus is nearly full.
        public static let storageFull = Code(.storageFull)
        /// The daemon is stopping.
        public static let draining = Code(.draining)
        /// The bus could not store the request.
        public static let unavailable = Code(.unavailable)
        /// The bus cannot be reached.
        public static let notConnected = Code(.notConnected)
        /// The bus did not answer in time.
        public static let timedOut = Code(.timedOut)
        /// The connection was closed by this program.
        public static let closed = Code(.closed)
    }

    /// Who refused.
    public enum Refuser: String, Sendable {
        /// This library; the request may not have left the program.
        case client
        /// The bus.
        case bus
        /// An office.
        case office
    }

    private enum Cause: Equatable, Sendable {
        case refused(Code, text: String, retryAt: Int64)
        case cancelled
        case faulty(String)
    }

    private let cause: Cause

    /// The reason; cancelled waits and local faults count as `notConnected`.
    public var code: Code {
        switch cause {
        case .refused(let code, _, _): code
        case .cancelled, .faulty: .notConnected
        }
    }

    /// What happened and what to do next, in one sentence for people.
    public var text: String {
        switch cause {
        case .refused(_, let text, _): text
        case .cancelled: "The wait was cancelled; the request may have been done all the same."
        case .faulty(let text): text
        }
    }

    /// Who refused.
    public var by: Refuser {
        guard case .refused(let code, _, _) = cause,
            let known = RefusalCode(rawValue: code.rawValue)
        else {
            if case .refused = cause { return .bus }
            return .client
        }
        switch known.refuser {
        case .client: return .client
        case .bus: return .bus
        case .office: return .office
        }
    }

    /// When the bus suggests to try again, in milliseconds since 1970; nil if it did not say.
    public var retryAt: Int64? {
        guard case .refused(_, _, let instant) = cause, instant > 0 else { return nil }
        return instant
    }

    /// Whether the same request may succeed later, unchanged.
    public var isRetriable: Bool {
        switch cause {
        case .refused(let code, _, _): RefusalCode(rawValue: code.rawValue)?.isRetriable ?? false
        case .cancelled: true
        case .faulty: false
        }
    }

    /// Whether the waiting task was cancelled.
    public var isCancelled: Bool { cause == .cancelled }

    /// The text and the name of the code, for a log.
    public var description: String {
        guard case .refused(let code, let text, _) = cause else { return text }
        return "\(text) (\(code.rawValue) \(code))"
    }

    /// A refusal by this library, in the words of the list.
    static func client(_ code: RefusalCode) -> BaridError {
        BaridError(cause: .refused(Code(code), text: code.text, retryAt: 0))
    }

    /// A refusal the bus sent; an empty text is replaced by that of the list.
    static func refused(_ number: UInt16, text: String, retryAt: Int64) -> BaridError {
        let known = RefusalCode(rawValue: number)?.text ?? "The bus refused the request."
        return BaridError(
            cause: .refused(
                Code(rawValue: number),
                text: text.isEmpty ? known : text,
                retryAt: retryAt
            )
        )
    }

    /// A refusal of which only the code is known.
    package static func refusal(_ number: UInt16) -> BaridError {
        .refused(number, text: "", retryAt: 0)
    }

    static let cancelled = BaridError(cause: .cancelled)

    /// Something of this machine failed: a socket, a descriptor, a malformed endpoint.
    package static func faulty(_ text: String) -> BaridError { BaridError(cause: .faulty(text)) }

    private init(cause: Cause) { self.cause = cause }
}
