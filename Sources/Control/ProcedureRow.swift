// SPDX-License-Identifier: Apache-2.0

/// One published version of a procedure, as a list shows it.
package struct ProcedureRow: Equatable, Codable, Sendable {
    /// Name, the same in all versions.
    package var name: String
    /// Version, from 1.
    package var version: UInt32
    /// When it was published.
    package var publishedAt: Instant
    /// Who published it, such as `uid 1000`.
    package var by: String
    /// How many steps it has.
    package var steps: Int
    /// The offices it uses.
    package var offices: [String]
    /// English title; empty if it has none.
    package var title: String

    /// A row.
    package init(
        name: String,
        version: UInt32,
        publishedAt: Instant,
        by: String,
        steps: Int,
        offices: [String],
        title: String
    ) {
        self.name = name
        self.version = version
        self.publishedAt = publishedAt
        self.by = by
        self.steps = steps
        self.offices = offices
        self.title = title
    }
}

/// The declaration of a procedure as it was published.
package struct ProcedureSource: Equatable, Codable, Sendable {
    /// Name of the procedure.
    package var name: String
    /// Version, from 1.
    package var version: UInt32
    /// The YAML text, byte for byte.
    package var source: String

    /// A source.
    package init(name: String, version: UInt32, source: String) {
        self.name = name
        self.version = version
        self.source = source
    }
}

/// What publishing did.
package struct Publication: Equatable, Codable, Sendable {
    /// The version now in force.
    package var procedure: ProcedureRow
    /// Whether a new version was made; false where the same text was in force already.
    package var isNew: Bool

    /// A publication.
    package init(procedure: ProcedureRow, isNew: Bool) {
        self.procedure = procedure
        self.isNew = isNew
    }
}

/// What checking a declaration found.
package struct ProcedureCheck: Equatable, Codable, Sendable {
    /// One thing wrong with the text.
    package struct Finding: Equatable, Codable, Sendable {
        /// Line, from 1.
        package var line: Int
        /// Column, from 1, in Unicode scalars.
        package var column: Int
        /// Kind of fault; stable, for programs.
        package var code: String
        /// What is wrong and what to write instead.
        package var text: String

        /// A finding at a place.
        package init(line: Int, column: Int, code: String, text: String) {
            self.line = line
            self.column = column
            self.code = code
            self.text = text
        }
    }

    /// Name the declaration gives; nil where it is not sound.
    package var name: String?
    /// What is wrong, in order of place; empty if it can be published.
    package var findings: [Finding]
    /// How many more findings were left out.
    package var omitted: Int

    /// The result of a check.
    package init(name: String?, findings: [Finding] = [], omitted: Int = 0) {
        self.name = name
        self.findings = findings
        self.omitted = omitted
    }
}
