// SPDX-License-Identifier: Apache-2.0

import Control

extension StubCommands {
    func topics(pattern: String?) throws(OperatorFault) -> [TopicRow] {
        guard pattern != "nothing.>" else { return [] }
        guard pattern != "NO" else {
            throw OperatorFault(
                code: "badPattern",
                exit: .badData,
                text: "NO is no pattern of topics."
            )
        }
        var row = TopicRow(name: "city.permits.granted", events: 12, bytes: 4_096)
        row.firstSequence = 40
        row.firstAt = Self.opened
        row.lastSequence = 300
        row.lastAt = Self.later
        return [row, TopicRow(name: "city.permits.withdrawn")]
    }

    func retention() throws(OperatorFault) -> [RetentionRow] {
        [RetentionRow(pattern: "city.permits.>", age: "P30D")]
    }

    func setRetention(
        _ arguments: RetentionArguments,
        by identity: OperatorIdentity,
        reason: String
    ) throws(OperatorFault) -> RetentionRow {
        let bytes = arguments.bytes.map { " \($0)" } ?? ""
        note("retention \(arguments.pattern) \(arguments.age ?? "-")\(bytes)", identity, reason)
        return RetentionRow(
            pattern: arguments.pattern,
            age: arguments.age,
            bytes: arguments.bytes
        )
    }

    func subscriptions() throws(OperatorFault) -> [SubscriptionRow] {
        var row = SubscriptionRow(
            agency: "utilities",
            name: "moves",
            pattern: "civil-registry.moves.>",
            number: 4_294_967_296
        )
        row.settledUpTo = 290
        row.behind = 21
        row.failed = 1
        row.dead = 1
        row.out = 3
        row.sessions = 2
        row.ackMilliseconds = 30_000
        row.attemptsMax = 10
        return [row]
    }

    func deadEvents(agency: String?, name: String?) throws(OperatorFault) -> [DeadEvent] {
        [
            DeadEvent(
                agency: agency ?? "utilities",
                subscription: name ?? "moves",
                sequence: 285,
                topic: "civil-registry.moves.within",
                reason: "attempts",
                cause: "The event was not acknowledged in time.",
                at: Self.later,
                attempts: 10
            )
        ]
    }

    func services() throws(OperatorFault) -> [ServiceRow] {
        var row = ServiceRow(service: "city/addresses")
        row.asked = 12
        row.answered = 10
        row.refused = ["deadlinePassed": 2]
        row.requestBytes = 480
        row.answerBytes = 1_200
        row.microseconds.p50 = 310
        row.microseconds.p99 = 900
        row.microseconds.max = 955
        row.lastAnsweredAt = Instant(milliseconds: 1_772_438_400_250)
        return [row]
    }

    func tellNotice(
        _ arguments: NoticeArguments,
        by identity: OperatorIdentity,
        reason: String
    ) throws(OperatorFault) -> NoticeTold {
        guard arguments.topic != "ledger.head" else {
            throw OperatorFault(
                code: "badTopic",
                exit: .badData,
                text: "ledger.head is no topic for a notice."
            )
        }
        note("notice \(arguments.topic)", identity, reason)
        return NoticeTold(position: 313)
    }

    func forgetSubscription(
        _ arguments: SubscriptionArguments,
        by identity: OperatorIdentity,
        reason: String
    ) throws(OperatorFault) -> SubscriptionForgotten {
        guard arguments.name == "moves" else {
            throw OperatorFault(
                code: "noSuchSubscription",
                exit: .notFound,
                text: "\(arguments.agency) has no durable subscription \(arguments.name)."
            )
        }
        note("forget \(arguments.agency) \(arguments.name)", identity, reason)
        return SubscriptionForgotten(position: 312)
    }

    private static let catalogue = CatalogueRow(
        agency: "city",
        version: 2,
        publishedAt: opened,
        by: "uid 1000"
    )

    func catalogues() throws(OperatorFault) -> [CatalogueRow] { [Self.catalogue] }

    func catalogueSource(
        agency: String,
        version: UInt32?
    ) throws(OperatorFault) -> CatalogueSource {
        guard agency == "city" else {
            throw OperatorFault(
                code: "noSuchCatalogue",
                exit: .notFound,
                text: "\(agency) has published no catalogue."
            )
        }
        return CatalogueSource(
            agency: agency,
            version: version ?? 2,
            source: "catalogue: city\n"
        )
    }

    func checkCatalogue(source: String) throws(OperatorFault) -> ProcedureCheck {
        let finding = ProcedureCheck.Finding(
            line: 3,
            column: 3,
            code: "illegalName",
            text: "'state/desk' is not of city."
        )
        return ProcedureCheck(name: nil, findings: [finding])
    }

    func publishCatalogue(
        source: String,
        by identity: OperatorIdentity,
        reason: String
    ) throws(OperatorFault) -> CataloguePublication {
        note("catalogue \(source)", identity, reason)
        return CataloguePublication(catalogue: Self.catalogue, isNew: true)
    }

    func setObserving(
        agency: String,
        isAllowed: Bool,
        by identity: OperatorIdentity,
        reason: String
    ) throws(OperatorFault) -> AgencyRow {
        note("observing \(agency) \(isAllowed)", identity, reason)
        var row = AgencyRow(name: agency, offices: 0, sessions: 1, mayBackdate: false)
        row.hearsAllCases = isAllowed
        return row
    }
}
