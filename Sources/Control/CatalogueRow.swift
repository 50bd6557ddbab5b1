// SPDX-License-Identifier: Apache-2.0

/// One published version of what an agency says about what it offers.
package struct CatalogueRow: Equatable, Codable, Sendable {
    /// The agency.
    package var agency: String
    /// Version, from 1.
    package var version: UInt32
    /// When it was published.
    package var publishedAt: Instant
    /// Who published it, such as `uid 1000`.
    package var by: String

    /// A row.
    package init(agency: String, version: UInt32, publishedAt: Instant, by: String) {
        self.agency = agency
        self.version = version
        self.publishedAt = publishedAt
        self.by = by
    }
}

/// The declaration of a catalogue as it was published.
package struct CatalogueSource: Equatable, Codable, Sendable {
    /// The agency.
    package var agency: String
    /// Version, from 1.
    package var version: UInt32
    /// The YAML text, byte for byte.
    package var source: String

    /// A source.
    package init(agency: String, version: UInt32, source: String) {
        self.agency = agency
        self.version = version
        self.source = source
    }
}

/// What publishing a catalogue did.
package struct CataloguePublication: Equatable, Codable, Sendable {
    /// The version now in force.
    package var catalogue: CatalogueRow
    /// Whether a new version was made; false where the same was in force already.
    package var isNew: Bool

    /// A publication.
    package init(catalogue: CatalogueRow, isNew: Bool) {
        self.catalogue = catalogue
        self.isNew = isNew
    }
}

/// Of `catalogue.show`.
package struct CatalogueArguments: CommandArguments {
    package static let names: Set<String> = ["agency", "version"]
    /// The agency.
    package var agency: String
    /// Version, from 1; the newest if nil.
    package var version: UInt32?

    /// These arguments.
    package init(agency: String, version: UInt32? = nil) {
        self.agency = agency
        self.version = version
    }
}

/// What operators ask about topics, durable subscriptions and the catalogue.
package protocol EventCommands: Sendable {
    /// Topics of a pattern, or all, by name.
    ///
    /// - Throws: `badPattern` with `badData`.
    func topics(pattern: String?) throws(OperatorFault) -> [TopicRow]

    /// All rules of retention, by pattern.
    func retention() throws(OperatorFault) -> [RetentionRow]

    /// Sets how long and how much is kept of the topics of a pattern; without both, everything is.
    ///
    /// - Throws: `badPattern`, `badAge` or `badBytes` with `badData`.
    func setRetention(
        _ arguments: RetentionArguments,
        by identity: OperatorIdentity,
        reason: String
    ) throws(OperatorFault) -> RetentionRow

    /// All durable subscriptions, by agency and name.
    func subscriptions() throws(OperatorFault) -> [SubscriptionRow]

    /// Dead events, oldest first.
    func deadEvents(agency: String?, name: String?) throws(OperatorFault) -> [DeadEvent]

    /// Ends a durable subscription for all its members; nothing of it is kept.
    ///
    /// - Throws: `noSuchSubscription` with `notFound`.
    func forgetSubscription(
        _ arguments: SubscriptionArguments,
        by identity: OperatorIdentity,
        reason: String
    ) throws(OperatorFault) -> SubscriptionForgotten

    /// Services that were offered since the daemon started, by name.
    func services() throws(OperatorFault) -> [ServiceRow]

    /// Tells the public something at the bulletin.
    ///
    /// - Throws: `noBulletin` with `failed`, `badTopic` or `badText` with `badData`, `busy` with
    ///   `busy`.
    func tellNotice(
        _ arguments: NoticeArguments,
        by identity: OperatorIdentity,
        reason: String
    ) throws(OperatorFault) -> NoticeTold

    /// All published versions of catalogues, by agency, newest first.
    func catalogues() throws(OperatorFault) -> [CatalogueRow]

    /// The declaration of one version, the newest where none is named.
    ///
    /// - Throws: `noSuchCatalogue` with `notFound`.
    func catalogueSource(
        agency: String,
        version: UInt32?
    ) throws(OperatorFault) -> CatalogueSource

    /// Checks a declaration without publishing it. Faults of the text are findings, not errors.
    func checkCatalogue(source: String) throws(OperatorFault) -> ProcedureCheck

    /// Publishes a declaration as the next version of its agency's catalogue.
    ///
    /// - Throws: `declarationInvalid` with `badData` where the text has faults.
    func publishCatalogue(
        source: String,
        by identity: OperatorIdentity,
        reason: String
    ) throws(OperatorFault) -> CataloguePublication

    /// Says whether an agency hears of every case.
    ///
    /// - Throws: `badName` with `badData` for a name that is not one.
    func setObserving(
        agency: String,
        isAllowed: Bool,
        by identity: OperatorIdentity,
        reason: String
    ) throws(OperatorFault) -> AgencyRow
}
