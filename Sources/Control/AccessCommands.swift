// SPDX-License-Identifier: Apache-2.0

/// What the daemon does for operators about who may come in and what they may do.
///
/// As for `OperatorCommands`. Faults of all that name an agency: `noSuchAgency` with `notFound`.
package protocol AccessCommands: Sendable {
    /// Enrols the key of a request, after checking its proof and the fingerprint the operator was
    /// told over another channel.
    ///
    /// - Throws: `requestInvalid`, `unproven`, `fingerprintDiffers` with `badData`; `noServerKey`,
    ///   `keyTaken`, `tooManyKeys` with `failed`.
    func enrol(
        _ enrolment: EnrolArguments,
        by identity: OperatorIdentity,
        reason: String
    ) throws(OperatorFault) -> KeyRow

    /// The same, and ends the agency's other keys after the overlap.
    func rotate(
        _ enrolment: RotateArguments,
        by identity: OperatorIdentity,
        reason: String
    ) throws(OperatorFault) -> KeyRow

    /// An agency with its keys, roles, rules and limits.
    func agencyAccess(_ agency: String) throws(OperatorFault) -> AgencyAccess

    /// Refuses an agency's connections, or admits them again.
    ///
    /// - Throws: `unchanged` with `failed`.
    func setSuspended(
        _ isSuspended: Bool,
        agency: String,
        by identity: OperatorIdentity,
        reason: String
    ) throws(OperatorFault) -> AgencyAccess

    /// Ends a key of an agency for good, or all of them where none is named; plans it unless the
    /// token is that of a plan.
    ///
    /// - Throws: `noSuchAgency` and `noSuchKey` with `notFound`, `unchanged` with `failed`,
    ///   `planStale` with `notApproved`.
    func revokeKeys(
        _ arguments: RevokeArguments,
        by identity: OperatorIdentity,
        reason: String
    ) throws(OperatorFault) -> PlanOutcome

    /// Sets the limits of an agency; those that are not named stay.
    func setLimits(
        _ limits: LimitArguments,
        by identity: OperatorIdentity,
        reason: String
    ) throws(OperatorFault) -> AgencyAccess

    /// Adds a rule to the policy.
    ///
    /// - Throws: `badRule` with `badData`, `ruleExists` with `failed`.
    func grant(
        _ rule: GrantArguments,
        by identity: OperatorIdentity,
        reason: String
    ) throws(OperatorFault) -> RuleRow

    /// Removes a rule.
    ///
    /// - Throws: `noSuchRule` with `notFound`.
    func withdraw(
        rule: UInt32,
        by identity: OperatorIdentity,
        reason: String
    ) throws(OperatorFault) -> RuleRow

    /// Gives an agency a role, or takes it.
    ///
    /// - Throws: `badName` with `badData`, `unchanged` with `failed`.
    func setRole(
        _ role: RoleArguments,
        by identity: OperatorIdentity,
        reason: String
    ) throws(OperatorFault) -> AgencyAccess

    /// All rules by number, or those that concern an agency.
    func rules(concerning agency: String?) throws(OperatorFault) -> [RuleRow]

    /// What the policy says about one request, and by which rule.
    ///
    /// - Throws: `badRule` with `badData` for a right that is none.
    func explain(_ question: ExplainArguments) throws(OperatorFault) -> Explanation
}
