// SPDX-License-Identifier: Apache-2.0

internal import Control
internal import Declarations
internal import Ledger
internal import Rules
internal import Wire

/// What operators ask about topics, durable subscriptions and the catalogue.
extension LedgerCommands {
    // MARK: Topics

    func topics(pattern: String?) throws(OperatorFault) -> [TopicRow] {
        let pattern: TopicPattern? =
            if let pattern { try Self.pattern(pattern) } else { nil }
        return try read { reader in
            try reader.topics(pattern).map { topic in
                var row = TopicRow(name: topic.name, events: topic.events, bytes: topic.bytes)
                guard topic.last > 0 else { return row }
                row.firstSequence = topic.first
                row.firstAt = Instant(milliseconds: topic.firstAt)
                row.lastSequence = topic.last
                row.lastAt = Instant(milliseconds: topic.lastAt)
                return row
            }
        }
    }

    func retention() throws(OperatorFault) -> [RetentionRow] {
        try read { try $0.retention().map(RetentionRow.init) }
    }

    func setRetention(
        _ arguments: RetentionArguments,
        by identity: OperatorIdentity,
        reason: String
    ) throws(OperatorFault) -> RetentionRow {
        var rule = RetentionRule(
            pattern: try Self.pattern(arguments.pattern),
            ageMilliseconds: 0,
            bytes: 0
        )
        guard rule.pattern.mayConcernAgencies else {
            throw OperatorFault(
                code: "badPattern",
                exit: .badData,
                text: "The acts of cases are the journal itself and are not erased; name topics of "
                    + "agencies."
            )
        }
        if let age = arguments.age {
            guard let term = Term(text: age), term.milliseconds > 0 else {
                throw OperatorFault(
                    code: "badAge",
                    exit: .badData,
                    text: "\(age) is no length of time; write weeks, days, hours, minutes or "
                        + "seconds, such as P30D or PT12H."
                )
            }
            rule.ageMilliseconds = term.milliseconds
        }
        if let bytes = arguments.bytes {
            guard bytes > 0, let signed = Int64(exactly: bytes) else {
                throw OperatorFault(
                    code: "badBytes",
                    exit: .badData,
                    text: "At least one byte is kept; leave the number out for no limit."
                )
            }
            rule.bytes = signed
        }
        let outcome = try act(.retention(rule), by: identity, reason: reason)
        guard case .done = outcome else { throw refused(outcome, "The retention") }
        return RetentionRow(rule)
    }

    private static func pattern(_ text: String) throws(OperatorFault) -> TopicPattern {
        do throws(RefusalCode) {
            return try TopicPattern(text)
        } catch {
            throw OperatorFault(
                code: "badPattern",
                exit: .badData,
                text:
                    "\(text) is no pattern of topics; write words of a-z 0-9 _ - joined by dots, * "
                    + "for any one and > for all that follow."
            )
        }
    }

    // MARK: Subscriptions

    func subscriptions() throws(OperatorFault) -> [SubscriptionRow] {
        let gauges = ledger.gauges()?.subscriptions ?? [:]
        return try read { reader in
            try reader.subscriptions().map { subscription in
                var row = SubscriptionRow(
                    agency: subscription.agency,
                    name: subscription.name,
                    pattern: subscription.pattern,
                    number: subscription.number
                )
                row.settledUpTo = subscription.floor
                row.behind = subscription.behind
                row.failed = subscription.failed
                row.dead = subscription.dead
                row.ackMilliseconds = subscription.ackMilliseconds
                row.attemptsMax = subscription.attemptsMax
                row.out = UInt64(gauges[subscription.number]?.out ?? 0)
                row.sessions = UInt64(gauges[subscription.number]?.sessions ?? 0)
                return row
            }
        }
    }

    func deadEvents(agency: String?, name: String?) throws(OperatorFault) -> [DeadEvent] {
        try read { reader in
            try reader.deadEvents(agency: agency, name: name).map { event in
                DeadEvent(
                    agency: event.agency,
                    subscription: event.name,
                    sequence: event.sequence,
                    topic: event.topic,
                    reason: event.reason.word,
                    cause: event.cause,
                    at: Instant(milliseconds: event.at),
                    attempts: event.attempts
                )
            }
        }
    }

    func forgetSubscription(
        _ arguments: SubscriptionArguments,
        by identity: OperatorIdentity,
        reason: String
    ) throws(OperatorFault) -> SubscriptionForgotten {
        let outcome = try act(
            .forgetSubscription(agency: arguments.agency, name: arguments.name),
            by: identity,
            reason: reason
        )
        guard case .done(let position) = outcome else {
            throw OperatorFault(
                code: "noSuchSubscription",
                exit: .notFound,
                text: "\(arguments.agency) has no durable subscription \(arguments.name); "
                    + "`baridctl subscription list` shows which it has."
            )
        }
        return SubscriptionForgotten(position: position)
    }

    // MARK: Catalogue

    func catalogues() throws(OperatorFault) -> [CatalogueRow] {
        try read { try $0.catalogues().map(CatalogueRow.init) }
    }

    func catalogueSource(
        agency: String,
        version: UInt32?
    ) throws(OperatorFault) -> CatalogueSource {
        let versions = try read { try $0.catalogues(of: agency) }
        let found = versions.first { version == nil || $0.version == version }
        guard let found else {
            throw OperatorFault(
                code: "noSuchCatalogue",
                exit: .notFound,
                text: versions.isEmpty
                    ? "\(agency) has published no catalogue; `baridctl catalogue list` shows who has."
                    : "The catalogue of \(agency) has no version \(version ?? 0); its newest is "
                        + "\(versions[0].version)."
            )
        }
        return CatalogueSource(agency: agency, version: found.version, source: found.source)
    }

    func checkCatalogue(source: String) throws(OperatorFault) -> ProcedureCheck {
        do throws(DeclarationFaults) {
            return ProcedureCheck(name: try CatalogueReading.read(source).agency)
        } catch {
            return ProcedureCheck(
                name: nil,
                findings: error.faults.map { fault in
                    ProcedureCheck.Finding(
                        line: fault.line,
                        column: fault.column,
                        code: fault.code.rawValue,
                        text: fault.text
                    )
                },
                omitted: error.omitted
            )
        }
    }

    func publishCatalogue(
        source: String,
        by identity: OperatorIdentity,
        reason: String
    ) throws(OperatorFault) -> CataloguePublication {
        let declaration: CatalogueDeclaration
        do throws(DeclarationFaults) {
            declaration = try CatalogueReading.read(source)
        } catch {
            throw OperatorFault(
                code: "declarationInvalid",
                exit: .badData,
                text: error.description
            )
        }
        let outcome = try act(
            .publishCatalogue(declaration, source: source),
            by: identity,
            reason: reason
        )
        guard case .published(let version, let isNew) = outcome else {
            throw refused(outcome, "The catalogue")
        }
        let versions = try read { try $0.catalogues(of: declaration.agency) }
        guard let published = versions.first(where: { $0.version == version }) else {
            throw OperatorFault(
                code: "unavailable",
                exit: .failed,
                text: "The published version cannot be read."
            )
        }
        return CataloguePublication(catalogue: CatalogueRow(published), isNew: isNew)
    }

    func setObserving(
        agency: String,
        isAllowed: Bool,
        by identity: OperatorIdentity,
        reason: String
    ) throws(OperatorFault) -> AgencyRow {
        try setRight(
            .observing(agency: agency, isAllowed: isAllowed),
            of: agency,
            by: identity,
            reason: reason
        )
    }
}

extension RetentionRow {
    fileprivate init(_ rule: RetentionRule) {
        self.init(
            pattern: rule.pattern.text,
            age: rule.ageMilliseconds > 0 ? Term(milliseconds: rule.ageMilliseconds)?.text : nil,
            bytes: rule.bytes > 0 ? UInt64(rule.bytes) : nil
        )
    }
}

extension CatalogueRow {
    fileprivate init(_ version: LedgerReader.CatalogueVersion) {
        self.init(
            agency: version.agency,
            version: version.version,
            publishedAt: Instant(milliseconds: version.published),
            by: "uid \(version.uid)"
        )
    }
}
