// SPDX-License-Identifier: Apache-2.0

import Testing
import Wire

/// Goal: one rule for names, the table of `Protocols/bus.md` § Names.
///
/// Method: the table.
@Suite("Names")
struct NameTests {
    @Test(
        "legal names",
        arguments: [
            "a", "7", "city", "building-permit", "old_town", "v2.1", "a-", "0.",
            String(repeating: "a", count: 100),
        ]
    )
    func legal(name: String) {
        #expect(Name.isLegal(name))
    }

    @Test(
        "illegal names",
        arguments: [
            "", "A", "City", "-a", ".a", "_a", "a b", " a", "a ", "a/b", "a:b", "é", "مدينة",
            "a\u{0}",
            "a\n", "a\u{301}", "٣", String(repeating: "a", count: 101),
        ]
    )
    func illegal(name: String) {
        #expect(!Name.isLegal(name))
    }

    @Test("legal offices name their agency", arguments: ["city/permits", "a/b", "7.x/0_y"])
    func legalOffice(name: String) {
        #expect(Name.isLegalOffice(name))
        #expect(Name.agency(ofOffice: name) == String(name.split(separator: "/")[0]))
    }

    @Test(
        "illegal offices",
        arguments: [
            "", "/", "city", "city/", "/permits", "city//permits", "city/permits/", "a/b/c",
            "City/permits", "city/Permits", "city/-x", "city /permits", "a/\u{301}b",
            String(repeating: "a", count: 50) + "/" + String(repeating: "b", count: 50),
        ]
    )
    func illegalOffice(name: String) {
        #expect(!Name.isLegalOffice(name))
    }

    @Test("an office name may take exactly 100 bytes")
    func longestOffice() {
        let name = String(repeating: "a", count: 50) + "/" + String(repeating: "b", count: 49)
        #expect(Name.isLegalOffice(name))
    }

    @Test("a lane has one number and one name", arguments: Lane.allCases)
    func lanes(lane: Lane) {
        #expect(Lane(name: lane.name) == lane)
        #expect(lane.rawValue & ~Header.laneMask == 0)
        #expect(Lane(rawValue: 3) == nil)
        #expect(Lane(name: lane.name.uppercased()) == nil)
    }
}
