// SPDX-License-Identifier: Apache-2.0

import Control
import FoundationEssentials
import Testing
import TestKit

@testable import baridctl

@Suite("Declarations in files")
struct DeclarationFileTests {
    @Test("each fault is told with file, line and column")
    func faults() throws {
        let directory = TemporaryDirectory()
        let path = "\(directory.path)/a.yaml"
        try Data("procedure: a\nstepz: {}\n".utf8).write(to: URL(filePath: path))
        let check = try #require(checks(ofFiles: [path]).first)
        #expect(!check.check.findings.isEmpty)
        for (line, finding) in zip(check.lines, check.check.findings) {
            #expect(line == "\(path):\(finding.line):\(finding.column): \(finding.text)")
        }
        #expect(check.lines.contains { $0.hasPrefix("\(path):2:1: ") }, "\(check.lines)")
    }

    @Test("a file that is missing, too large or no text is a finding in that file")
    func unreadable() throws {
        let directory = TemporaryDirectory()
        let binary = "\(directory.path)/binary"
        let large = "\(directory.path)/large"
        try Data([0xFF, 0xFE]).write(to: URL(filePath: binary))
        try Data(count: (1 << 20) + 1).write(to: URL(filePath: large))
        let missing = "\(directory.path)/missing"
        let checks = checks(ofFiles: [missing, binary, large, directory.path])
        #expect(checks.map { $0.check.findings.count } == [1, 1, 1, 1])
        #expect(
            checks[0].lines == [
                "\(missing):1:1: \(missing) cannot be opened: No such file or directory."
            ]
        )
        #expect(checks[1].lines[0].contains("is not UTF-8"))
        #expect(checks[2].lines[0].contains("is larger than"))
    }
}
