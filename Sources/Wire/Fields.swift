// SPDX-License-Identifier: Apache-2.0

/// Which header fields a verb uses; all others must be zero (`Protocols/bus.md` § Verbs).
package struct Fields: OptionSet, Sendable {
    package let rawValue: UInt16

    /// The set of these bits.
    package init(rawValue: UInt16) { self.rawValue = rawValue }

    package static let code = Fields(rawValue: 1)
    package static let number = Fields(rawValue: 2)
    package static let envelope = Fields(rawValue: 4)
    package static let body = Fields(rawValue: 8)
    package static let subject = Fields(rawValue: 16)
    package static let generation = Fields(rawValue: 32)
    package static let instant = Fields(rawValue: 64)
    package static let serial = Fields(rawValue: 128)
    package static let id = Fields(rawValue: 256)

    private static let settle: Fields = [.number, .subject, .generation, .instant, .serial]

    /// The fields of a verb.
    package static func used(by verb: Verb) -> Fields {
        switch verb {
        case .hello: [.number, .envelope, .id]
        case .attach: [.number, .envelope]
        case .credit: [.number, .subject, .generation, .serial]
        case .submit: [.number, .envelope, .body, .instant, .serial, .id]
        case .accept: settle
        case .complete: settle.union(.code)
        case .return, .refer, .refuse: settle.union(.envelope)
        case .release: settle.union([.envelope, .id])
        case .renew: [.number, .subject, .generation]
        case .note: settle.union([.envelope, .body, .id])
        case .track: [.number, .serial, .id]
        case .bye: [.number]
        case .heartbeat: []
        case .publish: [.number, .envelope, .body, .instant, .id]
        case .subscribe: [.number, .envelope]
        case .unsubscribe: [.number, .subject]
        case .ack: [.code, .number, .envelope, .subject, .generation, .serial]
        case .ask: [.number, .envelope, .body, .instant, .id]
        case .offer: [.number, .envelope, .generation]
        case .withdraw: [.number, .subject]
        case .reply: [.code, .number, .envelope, .body, .subject, .generation]
        case .catalogue: [.number, .envelope]
        case .answer:
            [.number, .envelope, .body, .subject, .generation, .instant, .serial, .id]
        case .refusal: [.code, .number, .envelope, .instant]
        case .delivery:
            [
                .code, .number, .envelope, .body, .subject, .generation, .instant, .serial, .id,
            ]
        case .step: [.number, .envelope]
        case .farewell: [.code, .envelope]
        case .event:
            [.code, .envelope, .body, .subject, .generation, .instant, .serial, .id]
        case .gap: [.code, .number, .subject, .generation, .serial]
        case .ended: [.code, .envelope, .subject]
        case .question: [.code, .envelope, .body, .subject, .generation, .instant]
        case .replied: [.code, .envelope, .body, .subject, .instant, .id]
        }
    }

    /// The flag bits a verb may set.
    package static func flags(of verb: Verb) -> UInt8 {
        switch verb {
        case .submit: Header.laneMask
        case .delivery: Header.laneMask | Header.withheldFlag
        case .answer: Header.repeatedFlag
        case .publish, .ask, .event: Header.durableFlag
        case .unsubscribe: Header.forgetFlag
        case .ack: Header.cumulativeFlag
        default: 0
        }
    }
}

extension Header {
    /// Whether every field the verb does not use is zero.
    package var isCanonical: Bool {
        let used = Fields.used(by: verb)
        return (used.contains(.code) || code == 0)
            && (used.contains(.number) || number == 0)
            && (used.contains(.envelope) || envelopeLength == 0)
            && (used.contains(.body) || bodyLength == 0)
            && (used.contains(.subject) || subject == 0)
            && (used.contains(.generation) || generation == 0)
            && (used.contains(.instant) || instant == 0)
            && (used.contains(.serial) || serial == 0)
            && (used.contains(.id) || id == .none)
    }
}
