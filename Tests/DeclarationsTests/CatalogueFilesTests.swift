// SPDX-License-Identifier: Apache-2.0
// Goal: a catalogue is read as strictly as a procedure. Method: the shipped files, and one changed
// line of a good one at a time, against the place a person would point at.

import Declarations
import Foundation
import Rules
import Testing

@Suite("Catalogues")
struct CatalogueFilesTests {
    static let lines = [
        "catalogue: city",
        "offices:",
        "  city/desk: {title: {en: Desk, ar: مكتب}}",
        "services:",
        "  city/permits:",
        "    schema: https://e.example/q",
        "    answer-schema: https://e.example/a",
        "    users: [state, health]",
        "topics:",
        "  city.permits.*:",
        "    description: Permits",
        "  city.>:",
    ]

    private static func text(_ changes: [Int: String] = [:]) -> String {
        var lines = lines
        for (number, line) in changes { lines[number - 1] = line }
        return lines.joined(separator: "\n") + "\n"
    }

    private static func faults(_ text: String) -> [String] {
        do throws(DeclarationFaults) {
            _ = try CatalogueReading.read(text)
            return []
        } catch {
            return error.faults.map { "\($0.line):\($0.column) \($0.code.rawValue)" }
        }
    }

    @Test("everything that is declared is read, in order of kind and name")
    func sound() throws {
        let catalogue = try CatalogueReading.read(Self.text())
        #expect(catalogue.agency == "city")
        #expect(
            catalogue.entries.map { "\($0.kind) \($0.name)" } == [
                "office city/desk", "service city/permits", "topic city.>", "topic city.permits.*",
            ]
        )
        #expect(catalogue.entries[0].title == ["en": "Desk", "ar": "مكتب"])
        let service = catalogue.entries[1]
        #expect(service.schema == "https://e.example/q" && service.users == ["state", "health"])
        #expect(service.answerSchema == "https://e.example/a")
        #expect(catalogue.entries[3].description == ["en": "Permits"])
    }

    @Test(
        "each fault is told at its place",
        arguments: [
            (1, "catalogue: City", "1:12 illegalName"), (1, "office: city", "1:1 missingKey"),
            (3, "  state/desk: {}", "3:3 illegalName"), (3, "  desk: {}", "3:3 illegalName"),
            (3, "  city/desk: {schema: \"a:b\"}", "3:15 unknownKey"),
            (3, "  city/desk: {users: []}", "3:22 tooMany"),
            (6, "    schema: not a uri", "6:13 badValue"),
            (7, "    answer_schema: \"a:b\"", "7:5 unknownKey"),
            (8, "    users: state", "8:12 wrongKind"),
            (8, "    users: [state, State]", "8:20 illegalName"),
            (8, "    users: [state, state]", "8:20 badValue"),
            (10, "  state.permits.*:", "10:3 illegalName"),
            (10, "  \">\":", "10:3 illegalName"), (10, "  case.>:", "10:3 illegalName"),
            (10, "  city.>.x:", "10:3 illegalName"), (12, "  city.permits.*:", "12:3 duplicateKey"),
            (12, "  city.>: [x]", "12:11 wrongKind"),
        ]
    )
    func fault(line: Int, changed: String, fault: String) {
        #expect(Self.faults(Self.text([line: changed])).contains(fault))
    }

    @Test(
        "the shipped catalogues are sound and speak English and Arabic",
        arguments: ["city", "civil-registry"]
    )
    func shipped(name: String) throws {
        let folder = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../Deploy/catalogue/\(name).yaml")
        let catalogue = try CatalogueReading.read(
            String(contentsOf: folder, encoding: .utf8)
        )
        #expect(catalogue.agency == name && !catalogue.entries.isEmpty)
        for entry in catalogue.entries {
            #expect(Set(entry.title.keys) == ["en", "ar"], "\(entry.name)")
        }
    }
}
