// SPDX-License-Identifier: Apache-2.0

/// What a command is given, its `args`.
///
/// A name that is not among `names` is refused: a misspelt filter must not widen what a command
/// does.
package protocol CommandArguments: Codable, Equatable, Sendable {
    /// The names the command knows.
    static var names: Set<String> { get }
}

/// Of commands that take nothing.
package struct NoArguments: CommandArguments {
    package static let names: Set<String> = []

    private enum NoKeys: CodingKey {}

    /// Nothing.
    package init() {}

    /// Reads any object.
    ///
    /// - Throws: `DecodingError` for what is no object.
    package init(from decoder: any Decoder) throws {
        _ = try decoder.container(keyedBy: NoKeys.self)
    }

    /// Writes `{}`.
    package func encode(to encoder: any Encoder) throws {
        _ = encoder.container(keyedBy: NoKeys.self)
    }
}

/// Of `procedure.show`.
package struct ProcedureArguments: CommandArguments {
    package static let names: Set<String> = ["name", "version"]
    /// Name of the procedure.
    package var name: String
    /// Version, from 1; the newest if nil.
    package var version: UInt32?

    /// These arguments.
    package init(name: String, version: UInt32? = nil) {
        self.name = name
        self.version = version
    }
}

/// Of `procedure.check` and `procedure.publish`.
package struct SourceArguments: CommandArguments {
    package static let names: Set<String> = ["source"]
    /// The declaration, YAML.
    package var source: String

    /// These arguments.
    package init(source: String) { self.source = source }
}

/// Of `case.show`.
package struct CaseArguments: CommandArguments {
    package static let names: Set<String> = ["number"]
    /// Case number, as a person writes it.
    package var number: String

    /// These arguments.
    package init(number: String) { self.number = number }
}

/// Of `dead.list`.
package struct DeadListArguments: CommandArguments {
    package static let names: Set<String> = ["office"]
    /// Only those of this office; all if nil.
    package var office: String?

    /// These arguments.
    package init(office: String? = nil) { self.office = office }
}

/// Of `dead.retry` and `dead.close`: exactly one of `referral`, `number` and `all`.
package struct DeadArguments: CommandArguments {
    package static let names: Set<String> = [
        "referral", "number", "all", "office", "token",
    ]
    /// Number of the referral.
    package var referral: UInt64?
    /// Case number, as a person writes it.
    package var number: String?
    /// True for all dead letters, or all of `office`.
    package var all: Bool?
    /// With `all` only.
    package var office: String?
    /// Of `dead.close`: carries out the plan of this token; nil asks for a plan.
    package var token: String?

    /// The arguments that select these.
    package init(_ selection: DeadSelection, token: String? = nil) {
        self.token = token
        switch selection {
        case .referral(let referral): self.referral = referral
        case .caseNumber(let number): self.number = number
        case .all(let office):
            all = true
            self.office = office
        }
    }

    /// What is selected; nil unless it is said in exactly one way.
    var selection: DeadSelection? {
        switch (referral, number, all ?? false, office) {
        case (let referral?, nil, false, nil): .referral(referral)
        case (nil, let number?, false, nil): .caseNumber(number)
        case (nil, nil, true, let office): .all(office: office)
        default: nil
        }
    }
}

/// Of `agency.backdating` and `agency.all-cases`.
package struct BackdatingArguments: CommandArguments {
    package static let names: Set<String> = ["agency", "allowed"]
    /// Name of the agency.
    package var agency: String
    /// Whether it may.
    package var allowed: Bool

    /// These arguments.
    package init(agency: String, allowed: Bool) {
        self.agency = agency
        self.allowed = allowed
    }
}

/// Of `export.traces`.
package struct ExportArguments: CommandArguments {
    package static let names: Set<String> = ["procedure"]
    /// Only cases of this procedure; all if nil.
    package var procedure: String?

    /// These arguments.
    package init(procedure: String? = nil) { self.procedure = procedure }
}
