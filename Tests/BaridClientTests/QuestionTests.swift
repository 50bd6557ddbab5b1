// SPDX-License-Identifier: Apache-2.0
// Goal: questions find their answers through the library, over lost connections too. Method: a
// pretended bus that is killed at chosen operations.

internal import TestKit
internal import Testing
internal import Wire

@testable internal import BaridClient

@Suite("Questions through the client library", .serialized, .timeLimit(.minutes(2)))
struct QuestionTests {
    private static func connect(
        _ place: TemporaryDirectory,
        agency: String = "city"
    ) async throws -> Bus {
        try await Bus.connect(to: endpoint(place), agency: agency, name: "test")
    }

    private static func endpoint(_ place: TemporaryDirectory) -> String {
        "ipc://\(place.path)/bus.sock"
    }

    @Test("a question is answered, or refused with the service's own words")
    func answered() async throws {
        let place = TemporaryDirectory()
        let daemon = try PretendBus(PretendLedger(), endpoint: Self.endpoint(place))
        let registry = try await Self.connect(place, agency: "registry")
        let questions = try await registry.offer("registry/lookup")
        let answering = Task {
            for try await question in questions {
                if question.body.isEmpty {
                    try await question.refuse("Ask for somebody.")
                } else {
                    try await question.answer(question.body.reversed(), contentType: "text/plain")
                }
            }
        }
        let bus = try await Self.connect(place)
        let answer = try await bus.ask("registry/lookup", [1, 2, 3])
        #expect(answer.body == [3, 2, 1])
        #expect(answer.contentType == "text/plain")
        let refused = await #expect(throws: BaridError.self) {
            _ = try await bus.ask("registry/lookup", [])
        }
        #expect(refused?.code == .answerRefused)
        #expect(refused?.text == "Ask for somebody.")
        #expect(refused?.by == .office)
        await registry.close()
        try await answering.value
        await bus.close()
        daemon.kill()
    }

    @Test("nobody who offers and a deadline that passed are told apart")
    func noAnswer() async throws {
        let place = TemporaryDirectory()
        let daemon = try PretendBus(PretendLedger(), endpoint: Self.endpoint(place))
        let bus = try await Self.connect(place)
        let nobody = await #expect(throws: BaridError.self) {
            _ = try await bus.ask("registry/lookup", [1])
        }
        #expect(nobody?.code == .notOffered)
        #expect(nobody?.isRetriable == true)
        let slow = await #expect(throws: BaridError.self) { _ = try await bus.ask("city/slow", []) }
        #expect(slow?.code == .deadlinePassed)
        await bus.close()
        daemon.kill()
    }

    @Test("a question ends soon after its deadline even if the bus says nothing")
    func timesOut() async throws {
        let place = TemporaryDirectory()
        let daemon = try PretendBus(PretendLedger(), endpoint: Self.endpoint(place))
        let registry = try await Self.connect(place, agency: "registry")
        let questions = try await registry.offer("registry/lookup")
        let bus = try await Self.connect(place)
        let error = await #expect(throws: BaridError.self) {
            _ = try await bus.ask("registry/lookup", [1], deadline: .milliseconds(50))
        }
        #expect(error?.code == .timedOut)
        #expect(questions.service == "registry/lookup")
        await bus.close()
        await registry.close()
        daemon.kill()
    }

    @Test("a cancelled question and a cancelled wait for questions end at once")
    func cancelled() async throws {
        let place = TemporaryDirectory()
        let ledger = PretendLedger()
        let daemon = try PretendBus(ledger, endpoint: Self.endpoint(place))
        let bus = try await Self.connect(place)
        do {
            let questions = try await bus.offer("city/lookup")
            let asking = Task { try await bus.ask("city/lookup", [1]) }
            // The question has come, so the asker waits.
            var iterator = questions.makeAsyncIterator()
            _ = try #require(try await iterator.next())
            asking.cancel()
            let error = await #expect(throws: BaridError.self) { _ = try await asking.value }
            #expect(error?.isCancelled == true)
            let waiting = Task {
                var iterator = questions.makeAsyncIterator()
                return try await iterator.next() == nil
            }
            waiting.cancel()
            #expect(try await waiting.value)
        }
        try await bus.publish("city.desk.news", [1])
        await bus.close()
        daemon.kill()
        #expect(ledger.events.left == [.withdraw])
    }

    @Test("an offer is renewed after a lost connection, and what was lost with it is not answered")
    func offersRenewed() async throws {
        let place = TemporaryDirectory()
        let ledger = PretendLedger()
        let first = try PretendBus(ledger, endpoint: Self.endpoint(place))
        let registry = try await Self.connect(place, agency: "registry")
        let questions = try await registry.offer("registry/lookup")
        var iterator = questions.makeAsyncIterator()
        let asker = try await Self.connect(place)
        let asking = Task { () -> [UInt8] in
            while true {
                do {
                    return try await asker.ask("registry/lookup", [7], deadline: .seconds(60)).body
                } catch let error as BaridError where error.code == .notOffered {
                    // The asker came back before the offer did.
                    continue
                }
            }
        }
        let lost = try #require(try await iterator.next())
        first.kill()
        let second = try PretendBus(ledger, endpoint: Self.endpoint(place))
        let again = try #require(try await iterator.next())
        let late = await #expect(throws: BaridError.self) { try await lost.answer([0]) }
        #expect(late?.code == .unknownQuestion, "the new bus does not know it")
        try await again.answer([8])
        #expect(try await asking.value == [8])
        await registry.close()
        await asker.close()
        second.kill()
        #expect(ledger.events.offered == ["registry/lookup", "registry/lookup"])
    }

    @Test("a durable question survives the absence of both sides and of the bus")
    func durable() async throws {
        let place = TemporaryDirectory()
        let ledger = PretendLedger()
        var inquiry = Inquiry(service: "registry/lookup", body: [1, 2])
        inquiry.key = SubmissionKey()
        let first = try PretendBus(ledger, endpoint: Self.endpoint(place))
        let asker = try await Self.connect(place)
        let asked = try await asker.askDurably(inquiry, deadline: .seconds(3_600))
        #expect(asked.receipt.sequence == 1)
        await asker.close()
        first.kill()

        let second = try PretendBus(ledger, endpoint: Self.endpoint(place))
        let registry = try await Self.connect(place, agency: "registry")
        var questions = try await registry.offer("registry/lookup").makeAsyncIterator()
        let question = try #require(try await questions.next())
        #expect(question.isDurable)
        try await question.answer([2, 1])
        await registry.close()
        second.kill()

        let third = try PretendBus(ledger, endpoint: Self.endpoint(place))
        let again = try await Self.connect(place)
        let answer = try await again.askDurably(inquiry, deadline: .seconds(3_600)).answer()
        #expect(answer.body == [2, 1])
        await again.close()
        third.kill()
        #expect(ledger.events.questions.count == 1)
    }

    @Test("who waits for a durable answer waits over a lost connection, and can be cancelled")
    func durableWait() async throws {
        let place = TemporaryDirectory()
        let ledger = PretendLedger()
        let first = try PretendBus(ledger, endpoint: Self.endpoint(place))
        let asker = try await Self.connect(place)
        let inquiry = Inquiry(service: "registry/lookup", body: [1])
        let asked = try await asker.askDurably(inquiry, deadline: .seconds(3_600))
        first.kill()
        let second = try PretendBus(ledger, endpoint: Self.endpoint(place))
        let waiting = Task { try await asked.answer() }
        waiting.cancel()
        let error = await #expect(throws: BaridError.self) { _ = try await waiting.value }
        #expect(error?.isCancelled == true)
        let registry = try await Self.connect(place, agency: "registry")
        var questions = try await registry.offer("registry/lookup").makeAsyncIterator()
        try await #require(try await questions.next()).refuse("Not known here.")
        let refused = await #expect(throws: BaridError.self) { _ = try await asked.answer() }
        #expect(refused?.code == .answerRefused)
        #expect(refused?.text == "Not known here.")
        await registry.close()
        await asker.close()
        second.kill()
    }
}
