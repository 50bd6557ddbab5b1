// SPDX-License-Identifier: Apache-2.0

import Declarations
import Ledger
import Rules
import SQLite
import TestKit
import Testing
import Wire

/// Reading the ledger of a bench, and acting on it as an operator or as a vandal.
extension LedgerBench {
    func reader() throws -> LedgerReader {
        try LedgerReader(directory: directory.path) { try? ProcedureDeclaration.read($0) }
    }

    /// How many records the journal has.
    func records() throws -> UInt64 { try Verification(reader()).records }

    /// What is wrong with the ledger, in words.
    func findings() throws -> [String] {
        let verification = try Verification(reader())
        #expect(
            !verification.findings.isEmpty
                || (verification.isChainIntact && verification.hasOneHolder)
        )
        return verification.findings
    }

    /// Expects the whole ledger to agree with its journal.
    func verify(_ comment: Comment? = nil, at location: SourceLocation = #_sourceLocation) throws {
        let findings = try findings()
        #expect(findings.isEmpty, comment, sourceLocation: location)
    }

    func trail(_ serial: UInt64) throws -> CaseTrail {
        try #require(try reader().trails.trail(of: serial))
    }

    /// The acts of a case as words, oldest first.
    func acts(_ serial: UInt64) throws -> [String] { try trail(serial).acts.map(\.act) }

    /// Where the open branches of a case are, as `step state`, in order of step.
    func places(_ serial: UInt64) throws -> [String] {
        try trail(serial).places.map { "\($0.step) \($0.state)" }.sorted()
    }

    @discardableResult
    func publish(_ source: String) throws -> Procedure {
        let procedure = try ProcedureDeclaration.read(source)
        try publish(procedure, source: source)
        return procedure
    }

    func publish(_ procedure: Procedure, source: String) throws {
        let outcome = try act(.publish(procedure, source: source))
        guard case .published = outcome else {
            Issue.record("\(procedure.name) was not published: \(outcome)")
            return
        }
    }

    @discardableResult
    func act(_ act: OperatorAct) throws -> OperatorOutcome {
        try writer.carryOut(
            act,
            by: Operator(uid: 1000, pid: 42, reason: "test"),
            wall: wall,
            monotonic: monotonic
        )
    }

    /// Runs SQL on the file from another connection, as a program of somebody else would.
    func vandalize(_ sql: String) throws {
        try Connection(path: file, access: .readWriteCreate).execute(sql)
    }

    func number(_ sql: String) throws -> Int64 {
        let statement = try Statement(sql, on: Connection(path: file, access: .readOnly))
        return try statement.step() ? statement.int64(0) : 0
    }
}
