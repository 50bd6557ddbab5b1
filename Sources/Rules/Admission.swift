// SPDX-License-Identifier: Apache-2.0

package import Wire

/// The rules at the gate: what a submission must be to become a case.
package enum Admission {
    /// How far ahead of the bus a sender's clock may be, in milliseconds.
    package static let clockSkewMilliseconds: Int64 = 5_000
    /// How far back a claimed instant may lie before it counts as backdating, in milliseconds.
    package static let backdatingMilliseconds: Int64 = 60_000

    /// When an act occurred: the claimed instant, or `now` if none is claimed.
    ///
    /// - Throws: `inFuture`, or `mayNotBackdate` where the agency has no such right.
    package static func occurredAt(
        claimed: Int64,
        now: Int64,
        mayBackdate: Bool
    ) throws(RefusalCode) -> Int64 {
        guard claimed != 0 else { return now }
        guard claimed <= now + clockSkewMilliseconds else { throw .inFuture }
        guard mayBackdate || claimed >= now - backdatingMilliseconds else { throw .mayNotBackdate }
        return min(claimed, now)
    }

    /// Checks the attributes of a case against the declaration.
    ///
    /// - Throws: `AttributeRefusal`, which names the attribute and what it must be.
    package static func check(
        _ attributes: [Envelope.Attribute],
        against procedure: Procedure
    ) throws(AttributeRefusal) {
        guard attributes.count <= Limits.attributesMax else {
            throw .invalid("A case has at most \(Limits.attributesMax) attributes.")
        }
        var seen: Set<String> = []
        for attribute in attributes {
            let name = "\"\(attribute.name.prefix(60))\""
            guard Name.isLegal(attribute.name) else {
                throw .invalid("\(name) is no name of an attribute.")
            }
            guard seen.insert(attribute.name).inserted else {
                throw .invalid("The attribute \(name) is given twice.")
            }
            let declared = procedure.attributes.first { $0.name == attribute.name }
            guard let declared else {
                guard procedure.takesOtherAttributes else {
                    throw .undeclared(name, among: procedure)
                }
                continue
            }
            guard declared.kind.takes(attribute.value) else {
                throw .invalid("The attribute \(name) must be \(declared.kind.words).")
            }
        }
        for declared in procedure.attributes where declared.isRequired {
            guard seen.contains(declared.name) else {
                throw .invalid(
                    "The attribute \"\(declared.name)\" is missing; it is \(declared.kind.words)."
                )
            }
        }
    }
}

/// What a refusal is told with: its code, and a text that may say more than the code's own.
package protocol Refusing: Error {
    /// Why.
    var code: RefusalCode { get }
    /// The same for people.
    var text: String { get }
}

extension RefusalCode: Refusing {
    package var code: RefusalCode { self }
}

/// Why the attributes of a case were refused, naming the one that is at fault.
package struct AttributeRefusal: Refusing, Equatable {
    package let code: RefusalCode
    package let text: String

    fileprivate static func invalid(_ text: String) -> AttributeRefusal {
        AttributeRefusal(code: .attributeInvalid, text: text)
    }

    fileprivate static func undeclared(
        _ name: String,
        among procedure: Procedure
    ) -> AttributeRefusal {
        let names = procedure.attributes.map(\.name)
        return AttributeRefusal(
            code: .undeclaredAttribute,
            text: "The procedure declares no attribute \(name); "
                + (names.isEmpty
                    ? "it declares none." : "it declares \(names.joined(separator: ", ")).")
        )
    }
}

extension AttributeDeclaration.Kind {
    /// Whether a value, as written in an envelope, is of this kind.
    package func takes(_ value: String) -> Bool {
        switch self {
        case .text: true
        case .integer: Int64(value) != nil
        case .boolean: value == "true" || value == "false"
        case .word(let words): words.contains(value)
        }
    }

    /// What a value must be, in words.
    fileprivate var words: String {
        switch self {
        case .text: "a text"
        case .integer: "a whole number"
        case .boolean: "true or false"
        case .word(let words): "one of " + words.joined(separator: ", ")
        }
    }
}
