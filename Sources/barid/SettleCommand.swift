// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import BaridClient

struct SettleCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "settle",
        abstract: "Settle a case that an office of yours holds in custody."
    )

    @OptionGroup var connection: ConnectionOptions
    @Argument(help: "Number of the case, as on its receipt.")
    var number: String
    @Option(help: ArgumentHelp("Close the step with this outcome.", valueName: "outcome"))
    var complete: String?
    @Option(name: .customLong("return"), help: ArgumentHelp("Send it back.", valueName: "reason"))
    var returning: String?
    @Option(
        help: ArgumentHelp("Send it to this office first; repeat for more.", valueName: "office")
    )
    var refer: [String] = []
    @Flag(help: "Give it back to the office's queue.")
    var release = false
    @Option(help: ArgumentHelp("Give custody up, saying why.", valueName: "reason"))
    var refuse: String?
    @Option(help: "Reason, for --refer and --release.")
    var reason = ""
    @Option(help: "The officer, as your agency names them; for --return, --refer and --refuse.")
    var person = ""
    @Option(help: ArgumentHelp("When it happened, if earlier than now.", valueName: "instant"))
    var occurredAt: String?
    @Option(help: "The office that holds it, where several do.")
    var office: String?

    func validate() throws {
        let verbs = [complete != nil, returning != nil, !refer.isEmpty, release, refuse != nil]
        guard verbs.filter({ $0 }).count == 1 else {
            throw ValidationError(
                "Give exactly one of --complete, --return, --refer, --release and --refuse."
            )
        }
        guard person.isEmpty || complete == nil && !release else {
            throw ValidationError("--person goes with --return, --refer and --refuse.")
        }
        guard reason.isEmpty || !refer.isEmpty || release else {
            throw ValidationError("--reason goes with --refer and --release.")
        }
        _ = try instant(occurredAt, of: "--occurred-at")
    }

    func run() async throws {
        try checkCaseNumber(number)
        let looking = try await connection.connect(as: "settle", office: office)
        let trail: Trail
        do { trail = try await looking.track(number) } catch {
            await looking.close()
            throw leaving(error)
        }
        await looking.close()
        let held = trail.places.filter {
            $0.state == "custody" && (office == nil || $0.office == office)
        }
        guard let place = held.first else {
            throw leaving(
                "No office\(office.map { " \($0)" } ?? "") holds case \(number) in custody.",
                .noSuchObject
            )
        }
        guard held.count == 1 else {
            throw leaving(
                "Several offices hold case \(number): "
                    + held.map(\.office).joined(separator: ", ") + ". Name one with --office.",
                .validationFailure
            )
        }
        let bus = try await connection.connect(as: "settle", office: place.office)
        let receipt: Receipt
        do { receipt = try await settle(place, in: trail, over: bus) } catch {
            await bus.close()
            throw error
        }
        await bus.close()
        writeText(connection.json ? receipt.json.text + "\n" : receipt.table)
    }

    private func settle(
        _ place: Trail.Place,
        in trail: Trail,
        over bus: Bus
    ) async throws -> Receipt {
        let occurredAt = try instant(occurredAt, of: "--occurred-at")
        do throws(BaridError) {
            // Whoever settles must staff the office, but needs nothing delivered.
            _ = try await bus.staff(place.office, credit: 0)
            let custody = try bus.custody(of: place, in: trail)
            if let complete {
                return try await custody.complete(complete, occurredAt: occurredAt)
            } else if let returning {
                return try await custody.return(
                    reason: returning,
                    person: person,
                    occurredAt: occurredAt
                )
            } else if let refuse {
                return try await custody.refuse(
                    reason: refuse,
                    person: person,
                    occurredAt: occurredAt
                )
            } else if release {
                return try await custody.release(reason: reason, occurredAt: occurredAt)
            }
            return try await custody.refer(
                to: refer,
                reason: reason,
                person: person,
                occurredAt: occurredAt
            )
        } catch {
            guard error.code == .unknownOutcome else { throw leaving(error) }
            throw leaving(
                "The step \(place.step) has no outcome \(complete ?? ""); it has "
                    + place.outcomes.joined(separator: ", ") + ".",
                .failure
            )
        }
    }
}
