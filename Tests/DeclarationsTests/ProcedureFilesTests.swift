// SPDX-License-Identifier: Apache-2.0
// Goal: the procedures we ship can be published. Method: read every file of Deploy/procedures.

import Declarations
import Foundation
import Rules
import Testing

/// The files of `Deploy/procedures`.
enum ProcedureFiles {
    static let folder = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Deploy/procedures")

    static func names() throws -> [String] {
        try FileManager.default.contentsOfDirectory(atPath: folder.path())
            .filter { $0.hasSuffix(".yaml") }.sorted()
    }

    static func text(_ name: String) throws -> String {
        try String(contentsOf: folder.appending(path: name), encoding: .utf8)
    }

    static func procedure(_ name: String) throws -> Procedure {
        try ProcedureDeclaration.read(text("\(name).yaml"))
    }
}

@Suite("Procedures we ship")
struct ProcedureFilesTests {
    @Test("every shipped procedure is free of faults and named like its file")
    func allDecode() throws {
        let names = try ProcedureFiles.names()
        #expect(names.count == 8)
        for name in names {
            let procedure = try ProcedureDeclaration.read(ProcedureFiles.text(name))
            #expect("\(procedure.name).yaml" == name)
        }
    }

    @Test("every shipped procedure, office and step has an Arabic and an English title")
    func titles() throws {
        for name in try ProcedureFiles.names() {
            let procedure = try ProcedureDeclaration.read(ProcedureFiles.text(name))
            let titles =
                [procedure.title] + procedure.offices.map(\.title) + procedure.steps.map(\.title)
            for title in titles { #expect(Set(title.keys) == ["ar", "en"], "\(name): \(title)") }
        }
    }

    @Test("the example in the reference is free of faults")
    func referenceExample() throws {
        let parts = try ProcedureFiles.text("README.md").components(separatedBy: "```")
        let example = try #require(parts.first { $0.hasPrefix("yaml\n") })
        let procedure = try ProcedureDeclaration.read(String(example.dropFirst(5)))
        #expect(procedure.steps.map(\.name) == ["application", "examination", "issue"])
    }

    @Test("the building permit goes through five offices and comes back to the one that asked")
    func buildingPermit() throws {
        let procedure = try ProcedureFiles.procedure("building-permit")
        #expect(procedure.term?.text == "P60D")
        #expect(procedure.offices.count == 5)
        #expect(
            procedure.steps.map(\.name) == [
                "application-fee", "document-verification", "field-inspection", "noc-verification",
                "approval", "permit-fee", "correction",
            ]
        )
        #expect(procedure.steps.map(\.returns).filter { $0 == .step(6) }.count == 3)
        #expect(procedure.steps[6].outcomes[0].transitions == [Transition(target: .asker)])
        #expect(
            procedure.steps[2].outcomes[0].transitions == [
                Transition(
                    guarded: Guard(attribute: "area", comparison: .greater, constant: "500"),
                    target: .step(3)
                ),
                Transition(
                    guarded: Guard(
                        attribute: "category",
                        comparison: .equal,
                        constant: "industrial"
                    ),
                    target: .step(3)
                ),
                Transition(target: .step(4)),
            ]
        )
        #expect(procedure.actions.map(\.name) == ["reopen", "appeal", "rate"])
        #expect(procedure.actions.map(\.step) == [1, 4, nil])
    }

    @Test("forks, joins and itineraries arrive as declared")
    func routes() throws {
        let opinions = try ProcedureFiles.procedure("parallel-opinions")
        #expect(opinions.steps[0].outcomes[0].transitions[0].target == .fork([1, 2, 3], join: 4))
        #expect(opinions.steps[4].join == .all)
        #expect(try ProcedureFiles.procedure("committee").steps[4].join == .atLeast(2))

        let slip = try ProcedureFiles.procedure("itinerary")
        #expect(slip.takesItinerary && slip.takesDue && slip.takesOtherAttributes)
        #expect(slip.offices.isEmpty)
        #expect(slip.steps.count == 1)
        #expect(slip.steps[0].office.isEmpty && slip.steps[0].term == nil)
        #expect(slip.steps[0].returns == .previous && slip.steps[0].mayRefer)
        #expect(slip.steps[0].outcomes.map(\.transitions[0].target) == [.next, .closed])
    }
}
