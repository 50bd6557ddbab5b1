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
    /// - Throws: `undeclaredAttribute` or `attributeInvalid`.
    package static func check(
        _ attributes: [Envelope.Attribute],
        against procedure: Procedure
    ) throws(RefusalCode) {
        guard attributes.count <= Limits.attributesMax else { throw .attributeInvalid }
        var seen: Set<String> = []
        for attribute in attributes {
            guard Name.isLegal(attribute.name), seen.insert(attribute.name).inserted else {
                throw .attributeInvalid
            }
            let declared = procedure.attributes.first { $0.name == attribute.name }
            guard let declared else {
                guard procedure.takesOtherAttributes else { throw .undeclaredAttribute }
                continue
            }
            guard declared.kind.takes(attribute.value) else { throw .attributeInvalid }
        }
        for declared in procedure.attributes where declared.isRequired {
            guard seen.contains(declared.name) else { throw .attributeInvalid }
        }
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
}
