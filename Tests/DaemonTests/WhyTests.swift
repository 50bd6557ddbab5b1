// SPDX-License-Identifier: Apache-2.0

import BaridClient
import Control
import Testing

extension DaemonTests {
    /// Goal: "why does it wait?" has exactly one answer, and it is the right one.
    ///
    /// Method: a real daemon is brought into each of the states that keep a case waiting.
    @Suite("says why a case waits") struct WhyTests {
        private static let short = """
            procedure: short
            offices:
              city/desk: {en: Desk}
            steps:
              check:
                office: city/desk
                term: P1D
                lease: PT10M
                retries: {attempts: 2, backoff: PT1H, longest: PT1H}
                outcomes:
                  done: closed
            """

        /// The reason for the only branch of a case, which `baridctl` gives too.
        private func why(_ daemon: DaemonProcess, _ number: String) throws -> WaitRow {
            let rows = try daemon.waits(number)
            let told = try daemon.baridctl("case", "why", number, "--json").json
            let shown = try #require(told["rows"] as? [[String: Any]])
            #expect(shown.map { $0["reason"] as? String } == rows.map(\.reason))
            try #require(rows.count == 1, "\(rows)")
            return rows[0]
        }

        private func started() async throws -> (DaemonProcess, Bus) {
            let daemon = try DaemonProcess()
            try daemon.publish(Self.short)
            return (daemon, try await daemon.connect())
        }

        private func submitted(_ bus: Bus) async throws -> String {
            try await bus.submit(Submission(procedure: "short")).caseNumber
        }

        @Test("nobody attached; held; paused; and the first of several that holds")
        func standing() async throws {
            let (daemon, bus) = try await started()
            let number = try await submitted(bus)
            #expect(try why(daemon, number).reason == "unattended")
            try daemon.act(.officePause, OfficeArguments(office: "city/desk"), OfficeRow.self)
            let paused = try why(daemon, number)
            #expect(paused.reason == "paused" && paused.text.contains("tests"))
            try daemon.act(.caseHold, CaseArguments(number: number), DeskChange.self)
            #expect(try why(daemon, number).reason == "held")
            #expect(try daemon.caseView(number).held?.reason == "tests")
            // Neither is forgotten by a restart.
            await bus.close()
            #expect(daemon.terminate() == .exited(0))
            try daemon.restart()
            #expect(try why(daemon, number).reason == "held")
            try daemon.act(.caseRelease, CaseArguments(number: number), DeskChange.self)
            #expect(try why(daemon, number).reason == "paused")
            let again = try await daemon.connect()
            let desk = try await again.staff("city/desk")
            #expect(try why(daemon, number).reason == "paused")
            try daemon.act(.officeResume, OfficeArguments(office: "city/desk"), OfficeRow.self)
            for try await referral in desk {
                _ = try await referral.complete("done")
                break
            }
            #expect(try daemon.waits(number).isEmpty)
            await again.close()
            try daemon.expectSound(closed: 1)
        }

        @Test("leased to whom and until when; no credit; behind older ones; in custody; in backoff")
        func underWay() async throws {
            let (daemon, bus) = try await started()
            var desk = try await bus.staff("city/desk", credit: 1).makeAsyncIterator()
            let first = try await submitted(bus)
            let referral = try #require(try await desk.next())
            let second = try await submitted(bus)
            let third = try await submitted(bus)
            let leased = try why(daemon, first)
            #expect(leased.reason == "leased" && leased.agency == "city")
            #expect(leased.connection != nil && leased.until != nil)
            #expect(try why(daemon, second).reason == "noCredit")
            let behind = try why(daemon, third)
            #expect(behind.reason == "behind" && behind.ahead == 1)
            #expect(try behind.first == daemon.caseView(second).places.first?.referral)
            _ = try await referral.accept()
            #expect(try why(daemon, first).reason == "custody")
            let next = try #require(try await desk.next())
            _ = try await next.release(reason: "tomorrow")
            let backoff = try why(daemon, second)
            #expect(backoff.reason == "backoff" && backoff.until != nil)
            let place = try #require(try daemon.caseView(second).places.first)
            #expect(place.state == "delayed" && place.until == backoff.until)
            await bus.close()
        }

        @Test("a dead letter; a join that waits for others")
        func branches() async throws {
            let (daemon, bus) = try await started()
            try daemon.publish(file: "parallel-opinions.yaml")
            var planning = try await bus.staff("city/planning").makeAsyncIterator()
            let number = try await bus.submit(Submission(procedure: "parallel-opinions")).caseNumber
            _ = try await planning.next()?.complete("asked")
            let fire = try await daemon.connect("fire")
            var prevention = try await fire.staff("fire/prevention").makeAsyncIterator()
            _ = try await prevention.next()?.complete("given")
            let rows = try daemon.waits(number)
            #expect(rows.map(\.reason).sorted() == ["join", "unattended", "unattended"])
            let join = try #require(rows.first { $0.reason == "join" })
            #expect(join.step == "decision" && join.office == "city/planning")
            #expect(join.text.hasPrefix("1 of the 3 "))
            // An office that refuses what nobody handed it makes a dead letter.
            var desk = try await bus.staff("city/desk").makeAsyncIterator()
            let refused = try await submitted(bus)
            _ = try await desk.next()?.refuse(reason: "not ours")
            #expect(try why(daemon, refused).reason == "dead")
            await bus.close()
            await fire.close()
        }

        @Test("an agency without a free session for its office is at its quota")
        func quota() async throws {
            let daemon = try DaemonProcess(["--listen", "tcp://127.0.0.1:*"], isKeyed: true)
            let credentials = try daemon.credentials(of: daemon.enrol("city"), named: "city")
            try daemon.publish(Self.short)
            let bus = try await Bus.connect(
                to: daemon.network,
                agency: "city",
                name: "tests",
                credentials: credentials
            )
            let number = try await submitted(bus)
            #expect(try why(daemon, number).reason == "unattended")
            var limits = LimitArguments(agency: "city")
            limits.sessions = 1
            try daemon.change(.agencyLimit, limits)
            #expect(try why(daemon, number).reason == "quota")
            await bus.close()
        }
    }
}

extension DaemonProcess {
    /// Why each branch of a case waits.
    func waits(_ number: String) throws -> [WaitRow] {
        try rows(.caseWhy, CaseArguments(number: number))
    }

    /// All rows of a command.
    func rows<Row: Codable>(
        _ command: CommandName,
        _ arguments: some CommandArguments = NoArguments()
    ) throws -> [Row] {
        var control = try control()
        var rows: [Row] = []
        _ = try control.request(command, arguments, result: RowCount.self) {
            (row: Row) throws(OperatorFault) in rows.append(row)
        }
        return rows
    }

    /// Does something as an operator.
    @discardableResult
    func act<Result: Codable>(
        _ command: CommandName,
        _ arguments: some CommandArguments,
        _ result: Result.Type
    ) throws -> Result {
        var control = try control()
        return try control.request(command, arguments, reason: "tests", result: result)
    }
}
