// SPDX-License-Identifier: Apache-2.0

import Foundation
import Ledger
import Rules
import TestKit
import Testing
import Wire

/// Goal: what is erased of a closed case is gone, from the file and from the log, and the ledger stays
/// sound; nothing else is touched.
///
/// Method: content with marks that are looked for in the bytes of the files, before and after.
@Suite("Erasing closed cases")
struct ErasureTests {
    let bench: LedgerBench
    let one: UInt32
    let two: UInt32

    init() throws {
        bench = try LedgerBench()
        try bench.publish(Samples.line)
        one = try bench.staff(["a/one"], credit: 10_000)
        two = try bench.staff(["b/two"], credit: 10_000)
    }

    /// A case with marked content in each place there is for it, closed.
    private func closed(_ mark: String, bodyBytes: Int = 9_000) throws -> ErasableCase {
        let text = "<\(mark)>"
        let body = String(repeating: text, count: bodyBytes / text.utf8.count + 1)
        let submit = bench.submit(one, "line", body: body) {
            ($0.subject, $0.applicant, $0.reference) = (text, text, text)
            var attribute = Envelope.Attribute()
            (attribute.name, attribute.value) = ("name", text)
            $0.attributes = [attribute]
        }
        // A turn answers and delivers.
        let serial = try bench.reply(to: submit).header.serial
        let first = try #require(bench.deliveries.first)
        bench.note(first, text)
        bench.complete(first, "done")
        try bench.turn()
        let second = try #require(bench.deliveries.first)
        bench.settle(.return, second, text: text)
        try bench.turn()
        bench.complete(try #require(bench.deliveries.first), "stop")
        try bench.turn()
        let closed = try bench.trail(serial).closedAt
        return ErasableCase(serial: serial, closed: closed)
    }

    private func erase(_ cases: [ErasableCase]) throws -> DeskOutcome {
        guard case .desk(let outcome) = try bench.act(.desk(.erase(cases))) else {
            throw LedgerFault.storage("an act of another kind")
        }
        return outcome
    }

    private func erased(_ cases: [ErasableCase]) throws -> Int {
        guard case .done(_, let count) = try erase(cases) else { return 0 }
        return count
    }

    private func refusal(of cases: [ErasableCase]) throws -> DeskRefusal? {
        guard case .declined(let refusal) = try erase(cases) else { return nil }
        return refusal
    }

    /// The bytes of the ledger's files, without those of the log's index.
    private func files() throws -> [Data] {
        try ["", "-wal"].compactMap { suffix in
            let path = bench.file + suffix
            guard FileManager.default.fileExists(atPath: path) else { return nil }
            return try Data(contentsOf: URL(filePath: path))
        }
    }

    private func isFound(_ mark: String, in files: [Data]) -> Bool {
        files.contains { $0.firstRange(of: Data("<\(mark)>".utf8)) != nil }
    }

    @Test(
        "what is erased is in no byte of the file nor of the log, and its neighbours are kept",
        arguments: [1, 2, 3] as [UInt64]
    )
    func gone(seed: UInt64) throws {
        var generator = SeededGenerator(seed: seed)
        var cases: [(mark: String, erasable: ErasableCase)] = []
        for number in 0..<60 {
            let mark = "mark-\(number)-\(generator.next())"
            // Some in a page, some beyond it.
            let bytes = [0, 300, 3_000, 5_000, 60_000].randomElement(using: &generator) ?? 0
            cases.append((mark, try closed(mark, bodyBytes: bytes)))
        }
        let all = try files()
        for (mark, _) in cases { #expect(isFound(mark, in: all)) }
        cases.shuffle(using: &generator)
        let chosen = cases[..<40]
        for start in stride(from: 0, to: 40, by: 8) {
            #expect(try erased(chosen[start..<(start + 8)].map(\.erasable)) == 8)
            // Between the slices work goes on.
            cases.append(("later-\(start)", try closed("later-\(start)")))
        }
        #expect(try bench.writer.emptyLog())
        let left = try files()
        for (mark, _) in chosen { #expect(!isFound(mark, in: left), "\(mark) is left") }
        for (mark, _) in cases[40...] { #expect(isFound(mark, in: left), "\(mark) was lost") }
        try bench.verify()
        try bench.reopen()
        try bench.verify()
        #expect(try bench.reader().totals().casesErased == 40)
    }

    @Test("an erased case keeps its trail, tells when it was erased, and takes no further verb")
    func afterwards() throws {
        let key = bench.key()
        let submit = bench.submit(one, "line", key: key) { $0.subject = "subject" }
        let serial = try bench.reply(to: submit).header.serial
        bench.complete(try #require(bench.deliveries.first), "stop")
        try bench.turn()
        let before = try bench.trail(serial)
        bench.pass(5_000)
        #expect(
            try erased([ErasableCase(serial: serial, closed: before.closedAt)]) == 1
        )
        let after = try bench.trail(serial)
        #expect(after.erasedAt == bench.wall && after.subject.isEmpty && !after.isOpen)
        #expect(after.acts.map(\.act) == before.acts.map(\.act) + ["case-erased"])
        #expect(after.acts.map(\.hash).starts(with: before.acts.map(\.hash)))
        #expect(after.acts.last?.text == "test")

        for action in ["reopen", "rate"] {
            let number = bench.submit(one, "line", serial: serial) { $0.action = action }
            #expect(try bench.reply(to: number).refusal == .caseErased)
        }
        // A repetition is no new verb: it gets its first answer, by the digest that stays.
        let again = bench.submit(one, "line", key: key) { $0.subject = "subject" }
        #expect(try bench.reply(to: again).header.serial == serial)

        var track = Header(.track)
        track.serial = serial
        let told = try #require(
            try bench.reply(to: bench.ask(track, one)).read(Envelope.Trail.self)
        )
        #expect(told.erasedAt == bench.wall && told.state == "closed")
        try bench.verify()
    }

    @Test("open, held, reopened and erased cases are passed over, and erasing none is refused")
    func untouched() throws {
        let open = try bench.submitted(one, "line")
        let held = try closed("held")
        try bench.vandalize("INSERT INTO hold VALUES (\(held.serial), 1, 0, 'a lawsuit')")
        try bench.reopen()
        let session = try bench.staff(["a/one"])
        let reopened = try closed(over: session)
        let action = bench.submit(session, "line", serial: reopened.serial) {
            $0.action = "reopen"
        }
        #expect(try bench.reply(to: action).isAnswer)
        let done = try closed(over: session)
        #expect(try erased([done]) == 1)
        let records = try bench.records()
        for erasable in [ErasableCase(serial: open, closed: 0), held, reopened, done] {
            #expect(try refusal(of: [erasable]) == .planStale)
        }
        #expect(try refusal(of: [ErasableCase(serial: 999, closed: 1)]) == .planStale)
        #expect(try bench.records() == records)
        #expect(isFound("held", in: try files()))
        let found = try bench.reader().erasable(after: 0, upTo: 100) { _, _ in true }
        #expect(found.found.isEmpty && found.last == done.serial)
        try bench.verify()
    }

    /// A case closed at its first office over another session than those of the suite.
    private func closed(over session: UInt32) throws -> ErasableCase {
        let serial = try bench.submitted(session, "line")
        let delivery = try #require(bench.deliveries.first { $0.serial == serial })
        bench.complete(delivery, "stop")
        try bench.turn()
        return ErasableCase(serial: serial, closed: try bench.trail(serial).closedAt)
    }

    @Test("what can be erased is found in slices, with its bytes, by the period of its procedure")
    func found() throws {
        var expected: [UInt64] = []
        for number in 0..<7 {
            expected.append(try closed("\(number)", bodyBytes: 1_000).serial)
            bench.pass(1_000)
        }
        let reader = try bench.reader()
        var last: UInt64 = 0
        var found: [ErasableCase] = []
        var limit = bench.wall - 2_500
        while true {
            let slice = try reader.erasable(after: last, upTo: 3) { procedure, closed in
                procedure == "line" && closed < limit
            }
            guard let end = slice.last else { break }
            last = end
            found += slice.found
        }
        #expect(found.map(\.serial) == Array(expected[..<5]))
        #expect(found.allSatisfy { $0.bytes > 1_000 && $0.bytes < 2_000 })
        limit = 0
        let none = try reader.erasable(after: 0, upTo: 9) { _, closed in closed < limit }
        #expect(none.found.isEmpty)
        guard case .success(let one) = try reader.erasable(expected[0]) else {
            Issue.record("a closed case cannot be erased")
            return
        }
        #expect(one == found[0])
        #expect(try reader.erasable(4_711) == nil)
    }

    @Test(
        "content that comes back, a mark that goes and a count that is off are found",
        arguments: [
            "UPDATE file SET body = x'01'", "UPDATE content SET envelope = x'01'",
            "UPDATE cases SET erased = 0", "UPDATE cases SET erased = erased + 1",
            "UPDATE tally SET closed = 0", "UPDATE tally SET erased = 0", "DELETE FROM tally",
            "INSERT INTO tally VALUES (1, 1)", "DELETE FROM file",
            "INSERT INTO event_content VALUES (9999, x'00', x'00')",
        ]
    )
    func tampered(sql: String) throws {
        let erasable = try closed("mark")
        #expect(try erased([erasable]) == 1)
        try bench.verify()
        try bench.vandalize(sql)
        #expect(try !bench.findings().isEmpty)
    }

    @Test("a failing row undoes a whole slice, and the next attempt erases it")
    func undone() throws {
        let cases = try (0..<3).map { try closed("mark-\($0)") }
        try bench.vandalize(
            """
            CREATE TRIGGER spoil BEFORE UPDATE OF erased ON cases WHEN old.serial = 3
            BEGIN SELECT RAISE(ABORT, 'spoilt'); END
            """
        )
        #expect(throws: LedgerFault.self) { try erase(cases) }
        try bench.vandalize("DROP TRIGGER spoil")
        try bench.verify()
        for number in 0..<3 { #expect(isFound("mark-\(number)", in: try files())) }
        #expect(try erased(cases) == 3)
        try bench.verify()
        #expect(try bench.reader().totals().casesErased == 3)
    }

    @Test("events that retention erases are in no byte of the file nor of the log")
    func events() throws {
        for number in 0..<40 {
            bench.publish(one, "a.b", String(repeating: "<event-\(number)>", count: 600))
        }
        try bench.turn()
        bench.pass(10_000)
        bench.publish(one, "a.b", "<kept>")
        try bench.turn()
        #expect(isFound("event-7", in: try files()))
        try bench.act(
            .retention(
                RetentionRule(pattern: TopicPattern("a.>"), ageMilliseconds: 5_000, bytes: 0)
            )
        )
        while try bench.writer.erase(wall: bench.wall) {}
        #expect(try bench.writer.emptyLog())
        let left = try files()
        for number in 0..<40 { #expect(!isFound("event-\(number)", in: left)) }
        #expect(isFound("kept", in: left))
        try bench.verify()
    }

    @Test("a ledger of version 4 is brought up to this one with its events, questions and remarks")
    func versionFour() throws {
        let erasable = try closed("mark")
        try bench.submitted(one, "line")
        bench.publish(one, "a.b", "<event>")
        try bench.turn()
        let records = try bench.records()
        let remarks = try bench.number("SELECT count(*) FROM content")
        try bench.vandalize(
            """
            INSERT INTO content SELECT * FROM event_content;
            DROP TABLE event_content; DROP TABLE tally;
            ALTER TABLE cases DROP COLUMN erased; PRAGMA user_version = 4
            """
        )
        try bench.reopen()
        #expect(try bench.number("PRAGMA user_version") == 5)
        #expect(try bench.number("SELECT count(*) FROM content") == remarks)
        #expect(try bench.number("SELECT count(*) FROM event_content") == 1)
        #expect(try bench.records() == records)
        try bench.verify()
        let totals = try bench.reader().totals()
        #expect((totals.casesOpen, totals.casesClosed, totals.casesErased) == (1, 1, 0))
        let again = try bench.staff(["a/one"])
        try bench.subscribe(again, "a.b") { $0.from = .beginning }
        try bench.turn()
        #expect(try bench.events().map(\.body) == ["<event>"])
        // What the old table held is in no free page.
        #expect(try erased([erasable]) == 1)
        #expect(try bench.writer.emptyLog())
        #expect(!isFound("mark", in: try files()))
        try bench.verify()
    }
}
