// SPDX-License-Identifier: Apache-2.0

/// Who sits at the control socket, as the kernel noted when the connection was made.
package struct OperatorIdentity: Equatable, Sendable {
    /// The effective user.
    package let uid: UInt32
    /// The effective group.
    package let gid: UInt32
    /// The process; it may have ended since.
    package let pid: Int32

    /// An identity.
    package init(uid: UInt32, gid: UInt32, pid: Int32) {
        self.uid = uid
        self.gid = gid
        self.pid = pid
    }
}

/// What the daemon does for operators; `ControlServer` calls it.
///
/// Methods are called from several threads at once, one for each connection, and may block. Names,
/// numbers and texts are as the operator gave them; only their JSON was checked. A reason is 1 to
/// 1000 bytes where it is not optional.
package protocol OperatorCommands: EventCommands, AccessCommands, ConfigurationCommands,
    BackupCommands, DeskCommands, WatchCommands, RetentionCommands
{
    /// How the daemon is doing.
    func status() throws(OperatorFault) -> Status

    /// All figures as text for Prometheus.
    func metrics() throws(OperatorFault) -> MetricsText

    /// All published versions, by name, newest version first.
    func procedures() throws(OperatorFault) -> [ProcedureRow]

    /// The declaration of one version, the newest where none is named.
    func procedureSource(name: String, version: UInt32?) throws(OperatorFault) -> ProcedureSource

    /// Checks a declaration without publishing it. Faults of the text are findings, not errors.
    func checkProcedure(source: String) throws(OperatorFault) -> ProcedureCheck

    /// Publishes a declaration as the next version of its procedure.
    ///
    /// - Throws: `declarationInvalid` with exit status `badData` where the text has faults.
    func publishProcedure(
        source: String,
        by identity: OperatorIdentity,
        reason: String?
    ) throws(OperatorFault) -> Publication

    /// All offices, by name.
    func offices() throws(OperatorFault) -> [OfficeRow]

    /// One case with its trail.
    ///
    /// - Throws: `badCaseNumber` with `badData`, or `noSuchCase` with `notFound`.
    func caseView(number: String) throws(OperatorFault) -> CaseView

    /// Hands over the dead letters of an office, or all, oldest first.
    ///
    /// - Throws: What `each` throws, once the operator has gone away.
    func deadLetters(
        office: String?,
        each: (DeadLetter) throws(OperatorFault) -> Void
    ) throws(OperatorFault)

    /// Puts dead letters back into the queues of their offices.
    ///
    /// - Throws: `noSuchReferral`, `noSuchCase` or `noSuchOffice` with `notFound`; `notDead` with
    ///   `failed` where the one selected is no dead letter.
    func retryDead(
        _ selection: DeadSelection,
        by identity: OperatorIdentity,
        reason: String
    ) throws(OperatorFault) -> DeadLettersSettled

    /// Plans to close dead letters for good, or does what a token's plan says; each branch of its
    /// case ends there.
    ///
    /// - Throws: As `retryDead`; `planStale` with `notApproved`.
    func closeDead(
        _ selection: DeadSelection,
        token: String?,
        by identity: OperatorIdentity,
        reason: String
    ) throws(OperatorFault) -> PlanOutcome

    /// Checks the whole ledger. What is wrong with it is a finding, not an error.
    func verify() throws(OperatorFault) -> VerifyReport

    /// Hands over the cases of a procedure, or all, in order of their numbers.
    ///
    /// - Throws: What `each` throws, once the operator has gone away.
    func exportTraces(
        procedure: String?,
        each: (ExportTrace) throws(OperatorFault) -> Void
    ) throws(OperatorFault)

    /// All agencies, by name.
    func agencies() throws(OperatorFault) -> [AgencyRow]

    /// Says whether an agency may report acts with an earlier instant.
    ///
    /// - Throws: `badName` with `badData` for a name that is not one.
    func setBackdating(
        agency: String,
        isAllowed: Bool,
        by identity: OperatorIdentity,
        reason: String
    ) throws(OperatorFault) -> AgencyRow
}
