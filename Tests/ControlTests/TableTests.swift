// SPDX-License-Identifier: Apache-2.0

import Control
import Testing

@testable import baridctl

@Suite("Tables and lines")
struct TableTests {
    @Test(
        "a text is as wide as a terminal shows it",
        arguments: [
            ("", 0), ("office", 6), ("مكتب", 4), ("مَكْتَبٌ", 4), ("e\u{301}", 1), ("役所", 4),
            ("한국", 4), ("a\u{200F}b", 2), ("a\u{200D}b", 2), ("٣٤", 2), ("📮", 2), ("\u{AD}", 1),
            ("｢ｱ｣", 3), ("é", 1),
        ]
    )
    func width(text: String, columns: Int) {
        #expect(displayWidth(text) == columns)
    }

    @Test("columns stand under each other, with Arabic and wide texts among them")
    func aligned() {
        let table = TextTable(
            columns: [
                Column(name: "title"), Column(name: "count", isNumber: true), Column(name: "x"),
            ],
            rows: [["مَكْتَب", "7", "a"], ["役所", "1234567", "b"], ["desk", "", "c"]]
        )
        #expect(
            table.lines(width: 80) == [
                "TITLE    COUNT  X", "مَكْتَب         7  a", "役所   1234567  b",
                "desk            c",
            ]
        )
    }

    @Test("only the last column is cut, and says so")
    func cutting() {
        let table = TextTable(
            columns: [Column(name: "name"), Column(name: "cause")],
            rows: [["a-name", String(repeating: "long ", count: 20)]]
        )
        let lines = table.lines(width: 24)
        #expect(lines[1] == "a-name  long long long …")
        #expect(lines.allSatisfy { displayWidth($0) <= 24 })
        #expect(cut("役所役所", to: 6) == "役所…")
        #expect(cut("مَكْتَب", to: 4) == "مَكْتَب")
    }

    @Test("texts from elsewhere cannot move the cursor, break a line or reorder others")
    func shownSafely() {
        #expect(shown("a\u{1B}[2Jb") == "a\u{FFFD}[2Jb")
        #expect(tabbed(["a\tb", "c\nd\r\n", "\u{202E}e\u{9B}"]) == "a b\tc d  \t\u{FFFD}e\u{FFFD}")
        #expect(shown("مَكْتَب") == "مَكْتَب")
    }

    @Test("a timeline tells where the case is, what was done, and how late it is")
    func timeline() throws {
        let view = try StubCommands().caseView(number: StubCommands.number)
        let output = Output(form: .table(columns: 200), isColored: false)
        let late = Instant(milliseconds: StubCommands.due.milliseconds + 3 * 86_400_000)
        let lines = Timeline(view, now: late).lines(output)
        #expect(lines.contains("due           2026-03-31T08:00:00.000Z (overdue by 3 days)"))
        #expect(lines.contains("The case is overdue."))
        #expect(
            lines.contains {
                $0.hasPrefix("2026-03-02T08:00:00.250Z  city/intake  completed  complete")
                    && $0.hasSuffix(
                        "city/planning  A. Winter  check completeness: all papers are there"
                    )
            },
            "\(lines)"
        )
        #expect(lines.contains { $0.hasPrefix("city/planning  review  custody  2026-03-02") })

        let early = Timeline(view, now: StubCommands.opened).lines(output)
        #expect(early.contains("due           2026-03-31T08:00:00.000Z (in 30 days)"))
        #expect(!early.contains("The case is overdue."))
    }
}
