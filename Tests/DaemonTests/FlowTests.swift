// SPDX-License-Identifier: Apache-2.0

import BaridClient
import Control
import Testing

extension DaemonTests {
    /// Goal: a citizen's case reaches its end, whatever the offices do.
    ///
    /// Method: departments' own library against a real daemon.
    @Suite("carries cases") struct FlowTests {
        private static let oneStep = """
            procedure: short
            title: {en: Short}
            offices:
              city/desk: {en: Desk}
            steps:
              check:
                title: {en: Check}
                office: city/desk
                term: P1D
                lease: PT1S
                retries: {attempts: 2, backoff: PT1S}
                outcomes:
                  done: closed
            """

        @Test("a building permit passes the offices of two agencies as it is declared")
        func permit() async throws {
            let daemon = try DaemonProcess()
            try daemon.publish(file: "building-permit.yaml")
            let city = try await daemon.connect()
            let defence = try await daemon.connect("civil-defence")
            var permit = Submission(procedure: "building-permit")
            permit.attributes = [CaseAttribute(name: "area", value: "600")]
            permit.subject = "رخصة بناء"
            let receipt = try await city.submit(permit)
            let route: [(Bus, office: String, step: String, outcome: String)] = [
                (city, "city/counter", "application-fee", "paid"),
                (city, "city/documents", "document-verification", "verified"),
                (city, "city/inspection", "field-inspection", "inspected"),
                (defence, "civil-defence/clearances", "noc-verification", "verified"),
                (city, "city/approval", "approval", "approved"),
                (city, "city/counter", "permit-fee", "issued"),
            ]
            var desks: [String: Referrals.Iterator] = [:]
            for (bus, office, step, outcome) in route {
                if desks[office] == nil {
                    desks[office] = try await bus.staff(office).makeAsyncIterator()
                }
                let referral = try #require(try await desks[office]?.next())
                #expect(referral.step == step && referral.subject == "رخصة بناء")
                #expect(referral.caseNumber == receipt.caseNumber && referral.dueAt != nil)
                try await referral.complete(outcome)
            }
            let trail = try await city.track(receipt.caseNumber)
            #expect(trail.isClosed && trail.result == "issued" && trail.places.isEmpty)
            let completed = trail.acts.filter { $0.act == "completed" }
            #expect(completed.map(\.step) == route.map(\.step))
            #expect(completed.map(\.outcome) == route.map(\.outcome))
            #expect(trail.acts.first?.position == receipt.position)
            #expect(try await defence.track(caseID: trail.caseID) == trail)
            await city.close()
            await defence.close()
            try daemon.expectSound(closed: 1)
        }

        @Test("a returned case comes back from its correction to the office that asked")
        func correction() async throws {
            let daemon = try DaemonProcess()
            try daemon.publish(file: "building-permit.yaml")
            let bus = try await daemon.connect()
            var counter = try await bus.staff("city/counter").makeAsyncIterator()
            var documents = try await bus.staff("city/documents").makeAsyncIterator()
            var permit = Submission(procedure: "building-permit")
            permit.attributes = [CaseAttribute(name: "area", value: "100")]
            let number = try await bus.submit(permit).caseNumber
            try await counter.next()?.complete("paid")
            try await documents.next()?.return(reason: "The site plan is missing.", person: "Huda")
            let correction = try #require(try await counter.next())
            #expect(correction.step == "correction")
            try await correction.complete("corrected")
            let again = try #require(try await documents.next())
            #expect(again.step == "document-verification")
            try await again.complete("rejected")
            let trail = try await bus.track(number)
            #expect(trail.isClosed && trail.result == "rejected")
            let returned = try #require(trail.acts.first { $0.act == "returned" })
            #expect(returned.text == "The site plan is missing." && returned.person == "Huda")
            await bus.close()
            try daemon.expectSound(closed: 1)
        }

        @Test("custody accepted over one connection is settled over another")
        func custody() async throws {
            let daemon = try DaemonProcess()
            try daemon.publish(Self.oneStep)
            let morning = try await daemon.connect()
            let number = try await morning.submit(Submission(procedure: "short")).caseNumber
            var referrals = try await morning.staff("city/desk").makeAsyncIterator()
            let accepted = try await referrals.next()?.accept()
            await morning.close()

            let evening = try await daemon.connect()
            let trail = try await evening.track(number)
            let place = try #require(trail.places.first)
            #expect(place.state == "custody" && place.office == "city/desk")
            #expect(trail.acts.contains { $0.position == accepted?.position })
            let custody = try evening.custody(of: place, in: trail)
            var desk = try await evening.staff("city/desk").makeAsyncIterator()
            try await custody.release(reason: "Another clerk takes it.")
            let referral = try #require(try await desk.next())
            #expect(referral.number == place.referral || referral.caseNumber == number)
            try await referral.complete("done")
            #expect(try await evening.track(number).isClosed)
            await evening.close()
            try daemon.expectSound(closed: 1)
        }

        @Test("custody is settled only over a connection that staffs the office")
        func notStaffed() async throws {
            let daemon = try DaemonProcess()
            try daemon.publish(Self.oneStep)
            let holder = try await daemon.connect()
            let number = try await holder.submit(Submission(procedure: "short")).caseNumber
            var referrals = try await holder.staff("city/desk").makeAsyncIterator()
            _ = try await referrals.next()?.accept()
            let trail = try await holder.track(number)
            let place = try #require(trail.places.first)
            let stranger = try await daemon.connect()
            let custody = try stranger.custody(of: place, in: trail)
            await #expect { try await custody.release() } throws: {
                ($0 as? BaridError)?.code == .notAttached
            }
            #expect(try await holder.track(number).places.map(\.state) == ["custody"])
            await stranger.close()
            await holder.close()
        }

        @Test("a late settlement is stale, and the case goes on once without it")
        func late() async throws {
            let daemon = try DaemonProcess()
            try daemon.publish(Self.oneStep)
            let bus = try await daemon.connect()
            let number = try await bus.submit(Submission(procedure: "short")).caseNumber
            var desk = try await bus.staff("city/desk").makeAsyncIterator()
            let late = try #require(try await desk.next())
            // The lease lapses after a second, which counts as a failed attempt.
            let again = try #require(try await desk.next())
            #expect(again.caseNumber == number && again.attempts == 1)
            #expect(!again.isSame(as: late))
            await #expect { try await late.complete("done") } throws: {
                ($0 as? BaridError)?.code == .stale
            }
            let receipt = try await again.complete("done")
            #expect(try await again.complete("done").wasRepeated)
            let trail = try await bus.track(number)
            #expect(trail.isClosed)
            let completed = trail.acts.filter { $0.act == "completed" }
            #expect(completed.map(\.position) == [receipt.position])
            await bus.close()
            try daemon.expectSound(closed: 1)
        }

        @Test("a case no office can settle becomes a dead letter, and goes on when it is retried")
        func poison() async throws {
            let daemon = try DaemonProcess()
            try daemon.publish(Self.oneStep)
            let bus = try await daemon.connect()
            let number = try await bus.submit(Submission(procedure: "short")).caseNumber
            var desk = try await bus.staff("city/desk").makeAsyncIterator()
            for attempt in 0..<2 {
                let referral = try #require(try await desk.next())
                #expect(Int(referral.attempts) == attempt)
                try await referral.release(reason: "The form cannot be read.")
            }
            let letter = try #require(try daemon.deadLetters().first)
            #expect(letter.number == number && letter.office == "city/desk")
            #expect(letter.attempts == 2 && letter.owner == "city")
            #expect(letter.cause.contains("The form cannot be read."))
            #expect(try await bus.track(number).places.map(\.state) == ["dead"])

            let without = try daemon.baridctl("dead", "retry", String(letter.referral))
            #expect(without.status == 64)
            let retried = try daemon.baridctl(
                "dead",
                "retry",
                String(letter.referral),
                "--reason",
                "The form was scanned again.",
                "--json"
            )
            #expect(retried.status == 0, "\(retried)")
            let result = try retried.json["result"] as? [String: Any]
            #expect(result?["settled"] as? Int == 1)
            let again = try #require(try await desk.next())
            #expect(again.caseNumber == number)
            try await again.complete("done")
            let trail = try await bus.track(number)
            #expect(trail.isClosed)
            #expect(trail.acts.contains { $0.text == "The form was scanned again." })
            await bus.close()
            try daemon.expectSound(closed: 1)
            #expect(try daemon.deadLetters().isEmpty)
        }

        @Test("the branches of a fork meet once")
        func fork() async throws {
            let daemon = try DaemonProcess()
            try daemon.publish(file: "parallel-opinions.yaml")
            let city = try await daemon.connect()
            var planning = try await city.staff("city/planning").makeAsyncIterator()
            let number = try await city.submit(Submission(procedure: "parallel-opinions"))
                .caseNumber
            try await planning.next()?.complete("asked")
            #expect(try await city.track(number).places.count == 3)
            let endpoint = daemon.bus
            let offices = ["fire/prevention", "environment/impact", "health/premises"]
            try await withThrowingTaskGroup(of: Void.self) { group in
                for office in offices {
                    group.addTask {
                        let agency = String(office.prefix { $0 != "/" })
                        let bus = try await Bus.connect(
                            to: endpoint,
                            agency: agency,
                            name: "opinions"
                        )
                        var desk = try await bus.staff(office).makeAsyncIterator()
                        let opinion = try #require(try await desk.next())
                        try await opinion.complete("given")
                        #expect(try await opinion.complete("given").wasRepeated)
                        await bus.close()
                    }
                }
                try await group.waitForAll()
            }
            let decision = try #require(try await planning.next())
            #expect(decision.step == "decision")
            #expect(try await city.track(number).places.count == 1)
            try await decision.complete("approved")
            let trail = try await city.track(number)
            #expect(trail.isClosed && trail.result == "approved")
            #expect(trail.acts.count { $0.step == "decision" && $0.act == "completed" } == 1)
            await city.close()
            try daemon.expectSound(closed: 1)
            let waiting = try daemon.status().referrals
            #expect(waiting.waiting + waiting.leased == 0)
        }
    }
}
