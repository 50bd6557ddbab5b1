// SPDX-License-Identifier: Apache-2.0

/// What the daemon does for operators about offices, queues and single cases.
///
/// As for `OperatorCommands`. Faults of all that name an office: `noSuchOffice` with `notFound`; a
/// case: `badCaseNumber` with `badData`, `noSuchCase` with `notFound`. What takes a token answers a
/// plan without one, and throws `planStale` with `notApproved` for one that is not good.
package protocol DeskCommands: Sendable {
    /// One office.
    func office(_ name: String) throws(OperatorFault) -> OfficeRow

    /// Lets an office take no deliveries until it is resumed, or take them again.
    ///
    /// - Throws: `unchanged` with `failed`.
    func setPaused(
        _ isPaused: Bool,
        office: String,
        by identity: OperatorIdentity,
        reason: String
    ) throws(OperatorFault) -> OfficeRow

    /// A queue lane by lane.
    func queue(_ office: String) throws(OperatorFault) -> QueueView

    /// The referrals at the head of a queue, delayed ones last.
    ///
    /// - Throws: `badLane` or `badLimit` with `usage`.
    func peek(_ arguments: PeekArguments) throws(OperatorFault) -> [QueueRow]

    /// Moves waiting referrals to another office.
    ///
    /// - Throws: `officeNotDeclared`, `sameOffice` with `failed`; `badLane` or `badLimit` with
    ///   `usage`.
    func move(
        _ arguments: MoveArguments,
        by identity: OperatorIdentity,
        reason: String
    ) throws(OperatorFault) -> PlanOutcome

    /// Why each open branch of a case waits.
    func waits(number: String) throws(OperatorFault) -> [WaitRow]

    /// Keeps a case from being delivered anywhere, or lets it be delivered again.
    ///
    /// - Throws: `unchanged` or `caseClosed` with `failed`.
    func setHeld(
        _ isHeld: Bool,
        number: String,
        by identity: OperatorIdentity,
        reason: String
    ) throws(OperatorFault) -> DeskChange

    /// Sends a branch of a case to another office, wherever it is now.
    ///
    /// - Throws: `noSuchReferral` with `notFound`; `severalBranches` with `usage`;
    ///   `officeNotDeclared`, `sameOffice` or `caseClosed` with `failed`.
    func reroute(
        _ arguments: RerouteArguments,
        by identity: OperatorIdentity,
        reason: String
    ) throws(OperatorFault) -> DeskChange

    /// One dead letter.
    ///
    /// - Throws: `notDead` with `notFound`.
    func deadLetter(_ referral: UInt64) throws(OperatorFault) -> DeadLetter

    /// Puts dead letters into the queue of another office.
    ///
    /// - Throws: As `retryDead`; `officeNotDeclared` with `failed`.
    func redirectDead(
        _ selection: DeadSelection,
        to office: String,
        token: String?,
        by identity: OperatorIdentity,
        reason: String
    ) throws(OperatorFault) -> PlanOutcome
}

/// What the daemon tells operators who watch it, and how they end sessions and the daemon itself.
package protocol WatchCommands: Sendable {
    /// What is going on, with the busiest offices.
    func top(offices count: Int) throws(OperatorFault) -> TopView

    /// How far the daemon may be relied on.
    func health() throws(OperatorFault) -> Health

    /// The end of the journal.
    func logHead() throws(OperatorFault) -> LogHead

    /// Records above a position in order, at most `limit`.
    func journal(after position: UInt64, limit: Int) throws(OperatorFault) -> [JournalRow]

    /// Recomputes the chain of hashes.
    func verifyChain(_ arguments: ChainArguments) throws(OperatorFault) -> ChainReport

    /// All sessions by number.
    func sessions() throws(OperatorFault) -> [SessionRow]

    /// Ends a session; its leases run on, and it may connect again.
    ///
    /// - Throws: `noSuchSession` with `notFound`.
    func cutSession(
        _ session: UInt32,
        by identity: OperatorIdentity,
        reason: String
    ) throws(OperatorFault) -> DeskChange

    /// Stops the daemon: what was taken is answered, then it ends.
    func drain(
        token: String?,
        by identity: OperatorIdentity,
        reason: String
    ) throws(OperatorFault) -> PlanOutcome
}
