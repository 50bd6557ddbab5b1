// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import BaridClient
internal import Wire

struct TrackCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "track",
        abstract: "Show where a case is and what happened to it."
    )

    @OptionGroup var connection: ConnectionOptions
    @Argument(help: "Number of the case, as on its receipt, or its id.")
    var number: String

    func run() async throws {
        let isID = number.count == 36
        if !isID { try checkCaseNumber(number) }
        let bus = try await connection.connect(as: "track")
        let trail: Trail
        do {
            trail = isID ? try await bus.track(caseID: number) : try await bus.track(number)
        } catch {
            await bus.close()
            throw leaving(error)
        }
        await bus.close()
        writeText(connection.json ? trail.json.text + "\n" : trail.table)
    }
}

/// Leaves with a message if the text cannot be a case number, before the bus is asked.
func checkCaseNumber(_ text: String) throws {
    guard CaseNumber(text: text) == nil else { return }
    throw leaving(
        "\(text) is not the number of a case: it has fourteen digits, such as 0000-0012-3456-76, "
            + "and the last two do not fit if one of them is mistyped.",
        .noSuchObject
    )
}

extension Trail {
    fileprivate var table: String {
        let due = dueAt.flatMap(instantText).map { ", due \($0)" } ?? ""
        let end = isClosed ? " with \(result)" : ""
        var text =
            printable(
                "\(caseNumber)  \(procedure) \(version)  \(state)\(end)\(due)"
            ) + "\n"
        if let erased = erasedAt.flatMap(instantText) {
            text += "Texts, names and content were erased on \(erased).\n"
        }
        if !places.isEmpty {
            text +=
                "\n"
                + Table(
                    heading: ["referral", "office", "step", "state", "since", "due", "attempts"],
                    rows: places.map { place in
                        [
                            String(place.referral), place.office, place.step,
                            place.until.flatMap(instantText).map { "delayed until \($0)" }
                                ?? place.state,
                            instantText(place.since) ?? "",
                            place.dueAt.flatMap(instantText) ?? "", String(place.attempts),
                        ]
                    }
                ).text
        }
        text +=
            "\n"
            + Table(
                heading: ["position", "occurred", "office", "act", "outcome", "person", "text"],
                rows: acts.map { act in
                    [
                        String(act.position), instantText(act.occurredAt) ?? "", act.office,
                        act.act, act.outcome, act.person,
                        act.activity.isEmpty ? act.text : act.activity,
                    ]
                }
            ).text
        if isTruncated { text += "Older acts are left out.\n" }
        return text
    }

    fileprivate var json: JSON {
        .object([
            ("number", .text(caseNumber)), ("id", .text(caseID)),
            ("procedure", .text(procedure)), ("version", .count(version)),
            ("state", .text(state)), ("result", .text(result)),
            ("submitted_by", .text(submittedBy)), ("opened_at", .instant(openedAt)),
            ("due_at", .instant(dueAt)), ("closed_at", .instant(closedAt)),
            ("erased_at", .instant(erasedAt)), ("places", .list(places.map(\.json))),
            ("acts", .list(acts.map(\.json))), ("truncated", .flag(isTruncated)),
        ])
    }
}

extension Trail.Place {
    fileprivate var json: JSON {
        .object([
            ("referral", .count(referral)), ("office", .text(office)), ("step", .text(step)),
            ("state", .text(state)), ("since", .instant(since)), ("due_at", .instant(dueAt)),
            ("lane", lane.map { .text($0.name) } ?? .null), ("attempts", .count(attempts)),
            ("until", .instant(until)),
        ])
    }
}

extension Trail.Act {
    fileprivate var json: JSON {
        .object([
            ("position", .count(position)), ("act", .text(act)), ("office", .text(office)),
            ("step", .text(step)), ("outcome", .text(outcome)), ("agency", .text(agency)),
            ("occurred_at", .instant(occurredAt)), ("recorded_at", .instant(recordedAt)),
            ("activity", .text(activity)), ("person", .text(person)), ("text", .text(text)),
            ("entered", .list(entered.map { .text($0) })), ("hash", .text(hash)),
        ])
    }
}
