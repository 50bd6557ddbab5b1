// SPDX-License-Identifier: Apache-2.0

internal import Control
internal import Courier
internal import Ledger
internal import Rules
internal import Wire

/// What operators ask about services, and what they tell the public.
extension LedgerCommands {
    func services() throws(OperatorFault) -> [ServiceRow] {
        let report = bus.services
        var rows = report.services.map { ServiceRow(service: $0.key, $0.value) }
            .sorted { $0.service < $1.service }
        if report.others.asked > 0 { rows.append(ServiceRow(service: "", report.others)) }
        return rows
    }

    func tellNotice(
        _ arguments: NoticeArguments,
        by identity: OperatorIdentity,
        reason: String
    ) throws(OperatorFault) -> NoticeTold {
        guard configuration.bulletin != nil else {
            throw OperatorFault(
                code: "noBulletin",
                exit: .failed,
                text: "This daemon has no bulletin; start it with --bulletin ENDPOINT."
            )
        }
        guard Topic.isLegal(arguments.topic), Topic.owner(of: arguments.topic) != "ledger" else {
            throw OperatorFault(
                code: "badTopic",
                exit: .badData,
                text: "\(arguments.topic) is no topic for a notice; write words of a-z 0-9 _ - "
                    + "joined by dots, and not ledger as the first."
            )
        }
        guard (1...Limits.textBytesMax).contains(arguments.text.utf8.count) else {
            throw OperatorFault(
                code: "badText",
                exit: .badData,
                text: "A notice has 1 to \(Limits.textBytesMax) bytes of text."
            )
        }
        let outcome = try act(
            .notice(topic: arguments.topic, text: arguments.text),
            by: identity,
            reason: reason
        )
        guard case .done(let position) = outcome else { throw refused(outcome, "The notice") }
        guard bus.announce(topic: arguments.topic, text: arguments.text) else {
            throw OperatorFault(
                code: "busy",
                exit: .busy,
                text: "Too many notices wait to be told; try again in a second."
            )
        }
        return NoticeTold(position: position)
    }
}

extension ServiceRow {
    fileprivate init(service: String, _ figures: ServiceFigures) {
        self.init(service: service)
        asked = figures.asked
        answered = figures.answered
        for (code, count) in figures.refused {
            refused[RefusalCode(rawValue: code).map { "\($0)" } ?? "\(code)", default: 0] += count
        }
        putAgain = figures.putAgain
        requestBytes = figures.requestBytes
        answerBytes = figures.answerBytes
        microseconds.p50 = figures.durations.percentile(0.5)
        microseconds.p99 = figures.durations.percentile(0.99)
        microseconds.max = figures.durations.max
        if figures.lastAnswered > 0 {
            lastAnsweredAt = Instant(milliseconds: figures.lastAnswered)
        }
        if figures.lastRefused > 0 { lastRefusedAt = Instant(milliseconds: figures.lastRefused) }
    }
}
