// SPDX-License-Identifier: Apache-2.0

import BaridClient
import Control
import Platform
import Testing

extension DaemonTests {
    /// Goal: nothing is dropped silently.
    ///
    /// Method: ask for what must not be, and look at the code and at what was kept.
    @Suite("refuses with a code and keeps nothing") struct RefusalTests {
        /// Expects the refusal of this number from the bus.
        private static func expectRefusal(
            _ code: UInt16,
            _ location: SourceLocation = #_sourceLocation,
            _ body: () async throws -> Void
        ) async {
            do {
                try await body()
                Issue.record("it was not refused", sourceLocation: location)
            } catch {
                let refusal = error as? BaridError
                #expect(refusal?.code.rawValue == code, "\(error)", sourceLocation: location)
                #expect(refusal?.text.isEmpty == false, sourceLocation: location)
            }
        }

        /// Expects a refusal whose text names what is at fault.
        private static func expectText(
            _ text: String,
            _ location: SourceLocation = #_sourceLocation,
            _ body: () async throws -> Void
        ) async {
            do {
                try await body()
                Issue.record("it was not refused", sourceLocation: location)
            } catch {
                let told = (error as? BaridError)?.text ?? ""
                #expect(told.contains(text), "\(told)", sourceLocation: location)
            }
        }

        @Test("submissions that break a rule")
        func submissions() async throws {
            let daemon = try DaemonProcess(["--body-max", "1000"])
            try daemon.publish(file: "building-permit.yaml")
            let bus = try await daemon.connect()
            let area = CaseAttribute(name: "area", value: "100")
            var permit = Submission(procedure: "building-permit")
            permit.attributes = [area]

            func refused(_ code: UInt16, _ change: (inout Submission) -> Void) async {
                var changed = permit
                changed.key = SubmissionKey()
                change(&changed)
                let submission = changed
                await Self.expectRefusal(code) { _ = try await bus.submit(submission) }
            }
            await refused(200) { $0.procedure = "no-such-procedure" }
            await refused(109) { $0.procedure = "No Name" }
            await refused(203) {
                $0.attributes = [area, CaseAttribute(name: "colour", value: "red")]
            }
            await refused(204) { $0.attributes = [] }
            await refused(204) { $0.attributes = [CaseAttribute(name: "area", value: "wide")] }
            await refused(206) { $0.itinerary = ["city/counter"] }
            await refused(205) {
                $0.procedure = "itinerary"
                $0.attributes = []
            }
            await refused(201) {
                $0.procedure = "itinerary"
                $0.itinerary = ["city/no-such-office"]
            }
            await refused(208) { $0.occurredAt = Clock.wallMilliseconds() + 60_000 }
            await refused(210) { $0.dueAt = Clock.wallMilliseconds() + 60_000 }
            await refused(106) { $0.body = [UInt8](repeating: 1, count: 1_001) }
            await Self.expectText("\"area\" must be a whole number") {
                var other = permit
                other.attributes = [CaseAttribute(name: "area", value: "wide")]
                _ = try await bus.submit(other)
            }
            await Self.expectText("no attribute \"colour\"; it declares area") {
                var other = permit
                other.attributes = [area, CaseAttribute(name: "colour", value: "red")]
                _ = try await bus.submit(other)
            }
            #expect(try daemon.status().cases == Status.Cases(open: 0, closed: 0))
            let records = try daemon.status().journal.position

            permit.body = [UInt8](repeating: 1, count: 1_000)
            let receipt = try await bus.submit(permit)
            #expect(receipt.position > records && !receipt.wasRepeated)
            let again = try await bus.submit(permit)
            #expect(again.wasRepeated && again.position == receipt.position)
            await Self.expectRefusal(202) {
                var other = permit
                other.subject = "another"
                _ = try await bus.submit(other)
            }
            await Self.expectRefusal(213) {
                var reopening = Submission(procedure: "building-permit")
                reopening.action = ("rate", receipt.caseNumber)
                _ = try await bus.submit(reopening)
            }
            #expect(try daemon.status().cases == Status.Cases(open: 1, closed: 0))
            await bus.close()
        }

        @Test("settlements and offices that are not one's own")
        func settlements() async throws {
            let daemon = try DaemonProcess()
            let city = try await daemon.connect()
            var desk = try await city.staff("city/desk").makeAsyncIterator()
            var submission = Submission(procedure: "itinerary")
            submission.itinerary = ["city/desk"]
            let receipt = try await city.submit(submission)
            let referral = try #require(try await desk.next())
            await Self.expectRefusal(304) { try await referral.complete("no-such-outcome") }
            await Self.expectRefusal(201) {
                try await referral.refer(to: ["city/no-such-office"], reason: "x")
            }
            let fire = try await daemon.connect("fire")
            await Self.expectRefusal(303) { _ = try await fire.staff("city/desk") }
            await Self.expectRefusal(109) { _ = try await fire.staff("No Office") }
            await Self.expectRefusal(211) { _ = try await fire.track(serial: 999_999) }
            await Self.expectRefusal(211) { _ = try await fire.track("0000-0000-0001-00") }
            try await referral.complete("unrecorded")
            await Self.expectRefusal(307) { try await referral.complete("forwarded") }
            #expect(try await city.track(receipt.caseNumber).isClosed)
            await fire.close()
            await city.close()
            try daemon.expectSound(closed: 1)
        }

        @Test("an agency that may not backdate any more cannot claim an earlier instant")
        func backdating() async throws {
            let daemon = try DaemonProcess()
            let bus = try await daemon.connect()
            _ = try await bus.staff("city/desk")
            var submission = Submission(procedure: "itinerary")
            submission.itinerary = ["city/desk"]
            submission.occurredAt = Clock.wallMilliseconds() - 86_400_000
            let off = try daemon.baridctl(
                "agency",
                "backdating",
                "city",
                "off",
                "--reason",
                "the paper files are in"
            )
            #expect(off.status == 0, "\(off)")
            await Self.expectRefusal(209) { [submission] in _ = try await bus.submit(submission) }
            let on = try daemon.baridctl("agency", "backdating", "city", "on", "--reason", "more")
            #expect(on.status == 0, "\(on)")
            submission.key = SubmissionKey()
            let receipt = try await bus.submit(submission)
            #expect(try await bus.track(receipt.caseNumber).openedAt == submission.occurredAt)
            await bus.close()
        }

        @Test("at the reserve of the disk new cases are refused, accepted ones are settled")
        func storage() async throws {
            let daemon = try DaemonProcess()
            var bus = try await daemon.connect()
            _ = try await bus.staff("city/desk")
            var submission = Submission(procedure: "itinerary")
            submission.itinerary = ["city/desk"]
            let receipt = try await bus.submit(submission)
            await bus.close()
            #expect(daemon.terminate() == .exited(0))

            try daemon.restart(["--disk-reserve", String(Int64.max)])
            bus = try await daemon.connect()
            let another = submission.with(key: SubmissionKey())
            await Self.expectRefusal(401) { [bus] in
                _ = try await bus.submit(another, timeout: .seconds(1))
            }
            let repeated = try await bus.submit(submission)
            #expect(repeated.wasRepeated && repeated.position == receipt.position)
            var desk = try await bus.staff("city/desk").makeAsyncIterator()
            let referral = try #require(try await desk.next())
            try await referral.note(activity: "checked")
            try await referral.complete("forwarded")
            #expect(try await bus.track(receipt.caseNumber).isClosed)
            await bus.close()
            try daemon.expectSound(closed: 1)
        }
    }
}

extension Submission {
    fileprivate func with(key: SubmissionKey) -> Submission {
        var changed = self
        changed.key = key
        return changed
    }
}
