// SPDX-License-Identifier: Apache-2.0

import Rules
import Testing
import Wire
import ZeroMQ

@Suite(.timeLimit(.minutes(1))) struct SessionTests {
    @Test("hello goes to the ledger under a fresh token, and its answer opens the session")
    func hello() throws {
        let bench = try Bench()
        let client = try Client(bench)
        try client.sayHello(number: 7)
        let batch = try bench.nextBatch()
        try #require(batch.operations.count == 1)
        let hello = batch.operations[0]
        #expect(hello.header.verb == .hello && hello.header.number == 7)
        #expect(hello.header.id != .none)

        try client.ask(Header(.track, number: 8))
        let refusal = try client.next()
        #expect(refusal.header.verb == .refusal && refusal.code == .noSession)
        #expect(refusal.header.number == 8)

        bench.complete { $0.append(Header(.answer, number: 7), session: hello.session) }
        #expect(try client.next().header == Header(.answer, number: 7))
        try client.ask(Header(.track, number: 9))
        #expect(try bench.answerNext().operations.first?.session == hello.session)
        #expect(try client.next().header == Header(.answer, number: 9))
    }

    @Test("without hello everything is refused with noSession")
    func noSession() throws {
        let bench = try Bench()
        let client = try Client(bench)
        for verb in Verb.allCases where verb.isAskedByClient && verb != .hello {
            let number: UInt32 = verb == .heartbeat ? 0 : 5
            try client.ask(Header(verb, number: number))
            let refusal = try client.next()
            #expect(refusal.header.verb == .refusal && refusal.code == .noSession, "\(verb)")
            #expect(refusal.header.number == number, "\(verb)")
        }
        #expect(!bench.hasBatch())
    }

    @Test("a second hello, a bad agency, a strange level and broken bytes are refused")
    func refusedHello() throws {
        let bench = try Bench()
        let client = try Client(bench)
        try client.sayHello(agency: "City Hall")
        #expect(try client.next().code == .nameInvalid)
        try client.sayHello(levels: 2...9)
        #expect(try client.next().code == .wrongLevel)
        try client.ask(Header(.hello, number: 1), envelope: [0xFF, 0xFF, 0xFF])
        #expect(try client.next().code == .envelopeInvalid)
        #expect(!bench.hasBatch())

        try client.sayHello(levels: 0...9)
        try bench.answerNext()
        #expect(try client.next().header.verb == .answer)
        try client.sayHello(number: 2)
        let refusal = try client.next()
        #expect(refusal.code == .alreadyOpen && refusal.header.number == 2)
    }

    @Test("a hello that the ledger refuses leaves no session")
    func helloRefusedByLedger() throws {
        let bench = try Bench()
        let client = try Client(bench)
        try client.sayHello()
        let session = try #require(try bench.nextBatch().operations.first?.session)
        bench.complete { $0.refuse(.unavailable, number: 1, session: session) }
        #expect(try client.next().code == .unavailable)
        #expect(try bench.answerNext().endedSessions == [session])
        try client.ask(Header(.track, number: 2))
        #expect(try client.next().code == .noSession)
    }

    @Test("a token of the same agency ends the earlier session, another agency's does not")
    func resume() throws {
        let bench = try Bench()
        let first = try Client.open(bench)
        let stranger = try Client(bench)
        try stranger.sayHello(agency: "county", token: first.token)
        #expect(try bench.answerNext().endedSessions == [])
        #expect(try first.client.untilHeartbeat() == [])

        let second = try Client(bench)
        try second.sayHello(token: first.token)
        let batch = try bench.answerNext()
        #expect(batch.endedSessions == [first.session])
        #expect(batch.operations.first?.header.id != first.token)
        let farewell = try first.client.next()
        #expect(farewell.header.verb == .farewell && farewell.code == .noSession)
        #expect(try second.next().header.verb == .answer)
    }

    @Test("one session too many is refused with a retry time, and a resumption takes its own place")
    func tooManySessions() throws {
        let bench = try Bench(sessionsMax: 1)
        let first = try Client.open(bench)
        let second = try Client(bench)
        try second.sayHello()
        let refusal = try second.next()
        #expect(refusal.code == .tooManySessions)
        #expect(refusal.header.instant == 1_700_000_005_000)
        try second.sayHello(token: first.token)
        try bench.answerNext()
        #expect(try second.next().header.verb == .answer)
    }

    @Test("bye is answered, the end is told in the same batch, and the session is gone")
    func bye() throws {
        let bench = try Bench()
        let (client, session, _) = try Client.open(bench)
        try client.ask([Header(.bye, number: 2), Header(.track, number: 3)])
        let batch = try bench.nextBatch()
        #expect(batch.operations.map(\.header.verb) == [.bye])
        #expect(batch.departedSessions == [session])
        #expect(try client.next().code == .noSession)
        bench.complete { $0.append(Header(.answer, number: 2), session: session) }
        #expect(try client.next().header == Header(.answer, number: 2))

        try client.sayHello()
        let again = try bench.answerNext()
        #expect(again.endedSessions == [] && again.departedSessions == [])
        #expect(try #require(again.operations.first?.session) > session)
    }

    @Test(
        "a session that obeys credit and reads slowly gets everything, and the ledger hears of it"
    )
    func slowReader() throws {
        let bench = try Bench()
        let (client, session, _) = try Client.open(bench, [.receiveHighWater(1)])
        let body = [UInt8](repeating: 7, count: 70_000)
        // More than libzmq keeps for a peer and more than may wait of what nobody bounds.
        let count = 500
        bench.complete { effects in
            for number in 1...count {
                var header = Header(.delivery)
                header.subject = UInt64(number)
                body.withUnsafeBytes { effects.append(header, session: session, body: $0) }
            }
        }
        bench.complete { $0.append(Header(.answer, number: 9), session: session) }
        var passed: UInt64 = 0
        var isEnded = false
        func note(_ batch: Batch) {
            isEnded = isEnded || !batch.endedSessions.isEmpty
            for case .passed(session, let bytes) in batch.events { passed = bytes }
        }
        note(try bench.answerNext())
        #expect(passed > 0 && passed < UInt64(count * body.count))
        for number in 1...count {
            let told = try client.next()
            #expect(told.header.verb == .delivery && told.header.subject == UInt64(number))
            bench.advance(by: 1)
            if bench.hasBatch() { note(try bench.answerNext()) }
        }
        #expect(try client.next().header.verb == .answer)
        while passed + 1 << 20 <= UInt64(count * body.count) { note(try bench.answerNext()) }
        #expect(!isEnded)
    }

    @Test("a silent session ends after the expiry and not before, one that speaks stays")
    func expiry() throws {
        let bench = try Bench()
        let silent = try Client.open(bench)
        let speaking = try Client.open(bench)
        bench.advance(by: Limits.expiryMilliseconds - 1)
        #expect(try speaking.client.untilHeartbeat() == [])
        #expect(!bench.hasBatch())
        bench.advance(by: 1_000)
        #expect(try bench.answerNext().endedSessions == [silent.session])
        let farewell = try silent.client.next()
        #expect(farewell.header.verb == .farewell && farewell.code == .noSession)
        #expect(try speaking.client.untilHeartbeat() == [])
        try silent.client.ask(Header(.heartbeat))
        #expect(try silent.client.next().code == .noSession)
    }
}

extension Batch {
    /// The sessions this batch says have ended.
    var endedSessions: [UInt32] {
        events.compactMap { event in
            guard case .ended(let session) = event else { return nil }
            return session
        }
    }

    /// The sessions this batch says have left with bye.
    var departedSessions: [UInt32] {
        events.compactMap { event in
            guard case .departed(let session) = event else { return nil }
            return session
        }
    }

    /// The referrals this batch says were not delivered.
    var undeliveredReferrals: [UInt64] {
        events.compactMap { event in
            guard case .undelivered(_, let referral, _) = event else { return nil }
            return referral
        }
    }
}
