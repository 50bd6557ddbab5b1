// SPDX-License-Identifier: Apache-2.0

internal import Platform
internal import Wire

/// A priority lane; within a lane an office works first come, first served.
public enum Lane: UInt8, CaseIterable, Sendable {
    /// Before all others.
    case urgent = 0
    /// The ordinary lane.
    case normal = 1
    /// After all others.
    case bulk = 2

    /// The lane of this name (`urgent`, `normal`, `bulk`), or nil.
    public init?(name: String) {
        guard let lane = Self.allCases.first(where: { $0.name == name }) else { return nil }
        self = lane
    }

    /// The name people use.
    public var name: String {
        switch self {
        case .urgent: "urgent"
        case .normal: "normal"
        case .bulk: "bulk"
        }
    }
}

/// Sixteen bytes that make a submission or a note repeatable: the same key is never done twice.
public struct SubmissionKey: Hashable, Sendable, CustomStringConvertible {
    let identifier: Identifier

    /// A fresh key: a UUID of version 7, of this instant and 74 random bits.
    ///
    /// Keys that grow with time lie side by side in the ledger, and cost it least.
    public init() {
        let bytes = randomBytes(16)
        identifier = bytes.withUnsafeBytes { bytes in
            Identifier(
                version7At: Clock.wallMilliseconds(),
                random: (bytes.bigEndian(at: 0), bytes.bigEndian(at: 8))
            )
        }
    }

    /// A key of these two halves, for a sender that derives it from its own records; nil if zero.
    public init?(high: UInt64, low: UInt64) {
        let identifier = Identifier(high: high, low: low)
        guard identifier != .none else { return nil }
        self.identifier = identifier
    }

    /// A key written as a UUID; nil if the text is none, or is all zeros.
    public init?(text: String) {
        guard let identifier = Identifier(text: text), identifier != .none else { return nil }
        self.identifier = identifier
    }

    /// The key written as a UUID.
    public var description: String { identifier.text }
}

/// A declared attribute of a case, for guards and for people.
public struct CaseAttribute: Hashable, Sendable {
    /// Name by the rule for names on the bus.
    public var name: String
    /// The value as text.
    public var value: String

    /// An attribute of this name and value.
    public init(name: String, value: String) {
        self.name = name
        self.value = value
    }
}

/// A case to be sent on its way, or an action on a closed one.
public struct Submission: Sendable {
    /// Name of a published procedure; its latest version is pinned to the case.
    public var procedure: String
    /// Pseudonymous identifier of the applicant, chosen by the submitting agency.
    public var applicant = ""
    /// One line for people.
    public var subject = ""
    /// The submitting agency's own file number.
    public var reference = ""
    /// Attributes, at most 100.
    public var attributes: [CaseAttribute] = []
    /// Offices in order, where the procedure takes a routing slip; at most 200.
    public var itinerary: [String] = []
    /// The lane of the first hop.
    public var lane = Lane.normal
    /// Due instant in milliseconds since 1970, where the procedure lets the submitter set it.
    public var dueAt: Int64?
    /// When it happened, in milliseconds since 1970, where that was earlier than now.
    public var occurredAt: Int64?
    /// Media type of the body.
    public var contentType = ""
    /// The content, opaque to the bus; at most what the bus was configured to take (1 MiB).
    public var body: [UInt8] = []
    /// Makes repetitions harmless; keep it with the record if the program may be restarted.
    public var key = SubmissionKey()
    /// The action and the number of the closed case it is for, instead of a new case.
    public var action: (name: String, caseNumber: String)?

    /// A submission to this procedure.
    public init(procedure: String) { self.procedure = procedure }

    func request(timeoutMilliseconds: Int64) throws(BaridError) -> Request {
        var envelope = Envelope.Case()
        envelope.procedure = procedure
        envelope.applicant = applicant
        envelope.subject = subject
        envelope.reference = reference
        envelope.contentType = contentType
        envelope.itinerary = itinerary
        envelope.due = dueAt ?? 0
        envelope.attributes = attributes.map { attribute in
            var item = Envelope.Attribute()
            item.name = attribute.name
            item.value = attribute.value
            return item
        }
        var header = Header(.submit)
        header.flags = lane.rawValue
        header.instant = occurredAt ?? 0
        header.id = key.identifier
        if let action {
            guard let number = CaseNumber(text: action.caseNumber) else {
                throw .client(.unknownCase)
            }
            envelope.action = action.name
            header.serial = number.serial
        }
        return Request(
            header: header,
            envelope: Envelope.bytes(of: envelope),
            body: body,
            timeoutMilliseconds: timeoutMilliseconds
        )
    }
}

/// Proof that an act is durable.
public struct Receipt: Hashable, Sendable {
    /// The number of the case, `0000-0012-3456-77`.
    public let caseNumber: String
    /// The case's place in the ledger, from 1.
    public let serial: UInt64
    /// Position in the journal.
    public let position: UInt64
    /// When the bus recorded it, in milliseconds since 1970.
    public let recordedAt: Int64
    /// The first 16 bytes of the journal record's chained SHA-256, as 32 hexadecimal digits.
    public let hashPrefix: String
    /// True if the request was a repetition and this is its first answer again.
    public let wasRepeated: Bool

    init(_ header: Header) {
        serial = header.serial
        caseNumber = CaseNumber(serial: header.serial)?.text ?? String(header.serial)
        position = header.subject
        recordedAt = header.instant
        hashPrefix =
            Identifier.hexadecimal(header.id.high) + Identifier.hexadecimal(header.id.low)
        wasRepeated = header.flags & Header.repeatedFlag != 0
    }
}
