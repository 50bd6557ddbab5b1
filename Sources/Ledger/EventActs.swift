// SPDX-License-Identifier: Apache-2.0

internal import Rules
internal import SQLite
internal import Wire

/// What operators change of the catalogue, of subscriptions, of retention and of who hears of cases.
extension LedgerWriter {
    /// Publishes what an agency says about what it offers, as the next version.
    func publish(
        _ declaration: CatalogueDeclaration,
        _ source: String,
        _ who: Operator
    ) throws(SQLiteFault) -> OperatorOutcome {
        let latest = events.catalogue.versions[declaration.agency]
        let entries = declaration.entries.map { Envelope.Entry($0, of: declaration.agency) }
        if let latest, latest.entries == entries {
            return .published(version: latest.number, isNew: false)
        }
        let version = CatalogueBook.Version(number: (latest?.number ?? 0) + 1, entries: entries)
        let agency = try openAgency(declaration.agency)
        try events.catalogue.insert(
            version,
            agency: agency,
            source: source,
            at: now,
            uid: who.uid
        )
        var record = record(.cataloguePublished, who)
        record.agency = agency
        record.code = UInt16(truncatingIfNeeded: version.number)
        _ = try append(record, content: who, body: Array(source.utf8))
        events.catalogue.set(version, of: declaration.agency)
        policyHasChanged()
        return .published(version: version.number, isNew: true)
    }

    func setObserving(
        _ name: String,
        _ isAllowed: Bool,
        _ who: Operator
    ) throws(SQLiteFault) -> OperatorOutcome {
        let agency = try openAgency(name)
        try directory.setObserver(agency, isAllowed)
        var record = record(.agencyChanged, who)
        record.agency = agency
        record.code = isAllowed ? 3 : 2
        let receipt = try append(record, content: who)
        events.catalogue.setObserver(name, isAllowed)
        policyHasChanged()
        return .done(position: receipt.position)
    }

    /// Sets the retention of a pattern; without a limit the rule is taken away.
    func setRetention(_ rule: RetentionRule, _ who: Operator) throws(SQLiteFault) -> OperatorOutcome
    {
        let isRemoval = rule.ageMilliseconds == 0 && rule.bytes == 0
        guard isRemoval || events.retention.count < Self.retentionRulesMax else {
            return .refused(.busy)
        }
        let statement = try Statement(
            isRemoval
                ? "DELETE FROM retention WHERE pattern = ?"
                : "INSERT OR REPLACE INTO retention (pattern, age, bytes) VALUES (?, ?, ?)",
            on: connection
        )
        statement.bind(1, rule.pattern.text)
        if !isRemoval {
            statement.bind(2, rule.ageMilliseconds)
            statement.bind(3, rule.bytes)
        }
        try statement.run()
        let text = "\(rule.pattern.text) age \(rule.ageMilliseconds) bytes \(rule.bytes)"
        let receipt = try append(
            record(.retentionSet, who),
            content: who,
            body: Array(text.utf8)
        )
        events.retention = try RetentionRule.all(connection)
        return .done(position: receipt.position)
    }

    /// Rules of retention at most.
    private static let retentionRulesMax = 1_000

    /// Ends a durable subscription for all its members; nothing of it is kept.
    func forgetSubscription(
        agency: String,
        name: String,
        _ who: Operator
    ) throws(SQLiteFault) -> OperatorOutcome {
        guard let agency = directory.agencyNumber(agency),
            let number = events.names[SubscriptionName(agency: agency, name: name)],
            let subscription = events.subscriptions[number]
        else { return .refused(.unknownSubscription) }
        var record = record(.forgotten, who)
        record.agency = agency
        record.subject = number
        let receipt = try append(record, content: who)
        try forget(subscription, besides: nil)
        return .done(position: receipt.position)
    }
}
