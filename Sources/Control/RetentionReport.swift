// SPDX-License-Identifier: Apache-2.0

/// Of `retention.run`.
package struct RetentionRunArguments: CommandArguments {
    package static let names: Set<String> = ["dryRun", "procedure"]
    /// Whether only to tell what would be erased; false if nil.
    package var dryRun: Bool?
    /// Only cases of this procedure.
    package var procedure: String?

    /// These arguments.
    package init(dryRun: Bool? = nil, procedure: String? = nil) {
        self.dryRun = dryRun
        self.procedure = procedure
    }
}

/// Of `erase`.
package struct EraseArguments: CommandArguments {
    package static let names: Set<String> = ["number", "token"]
    /// Case number, as a person writes it.
    package var number: String
    /// Carries out the plan of this token; nil asks for a plan.
    package var token: String?

    /// These arguments.
    package init(number: String, token: String? = nil) {
        self.number = number
        self.token = token
    }
}

/// What a run of retention erased, or would erase.
package struct RetentionReport: Equatable, Codable, Sendable {
    /// What it came to for one procedure.
    package struct Row: Equatable, Codable, Sendable {
        /// Name of the procedure.
        package var procedure: String
        /// How long content is kept after closing, ISO 8601.
        package var period: String
        /// Cases past their period that were erased, or would be.
        package var cases: UInt64 = 0
        /// Bytes of envelopes and bodies that they held.
        package var bytes: UInt64 = 0
        /// When the first of them was closed; nil if there is none.
        package var oldestClosedAt: Instant?

        /// A procedure of which nothing is erased.
        package init(procedure: String, period: String) {
            self.procedure = procedure
            self.period = period
        }
    }

    /// Whether nothing was erased, and this is what would be.
    package var isDryRun: Bool
    /// The instant up to which a period had to be over.
    package var at: Instant
    /// Cases of all procedures.
    package var cases: UInt64 = 0
    /// Bytes of all procedures.
    package var bytes: UInt64 = 0
    /// The procedures that have a period, by name.
    package var procedures: [Row] = []
    /// Whether the write-ahead log holds nothing of what was erased any more.
    ///
    /// Missing in a dry run. If false, somebody reads in it; the daemon empties it once it can.
    package var isLogEmptied: Bool?
    /// How long it took.
    package var seconds: Double = 0

    /// A run that has not begun.
    package init(isDryRun: Bool, at instant: Instant) {
        self.isDryRun = isDryRun
        at = instant
    }
}

/// What the daemon does for operators to erase the content of closed cases.
package protocol RetentionCommands: Sendable {
    /// Erases the content of the cases that are past the period of their procedure, in slices between
    /// which others are served.
    ///
    /// - Parameters:
    ///   - arguments: Whether only to tell, and of which procedure.
    ///   - identity: Who asks.
    ///   - reason: Why; nil only for a dry run.
    /// - Returns: What was erased, or would be.
    /// - Throws: `noSuchProcedure` with `notFound`; `clockJumped` with `busy` shortly after the clock
    ///   jumped; `busy` while another run is under way.
    func runRetention(
        _ arguments: RetentionRunArguments,
        by identity: OperatorIdentity,
        reason: String?
    ) throws(OperatorFault) -> RetentionReport

    /// Plans to erase the content of one closed case, or does it.
    ///
    /// - Throws: `badCaseNumber` with `badData`, `noSuchCase` with `notFound`; `caseOpen`,
    ///   `caseErased` or `caseHeld` with `failed`; `planStale` with `notApproved`.
    func erase(
        _ arguments: EraseArguments,
        by identity: OperatorIdentity,
        reason: String
    ) throws(OperatorFault) -> PlanOutcome
}
