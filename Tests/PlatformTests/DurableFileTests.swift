// SPDX-License-Identifier: Apache-2.0
// Goal: whoever reads a file that is replaced or copied sees it whole. Method: readers that opened it
// before, and names that are taken.

import Foundation
import Platform
import TestKit
import Testing

@Suite("Whole files")
struct DurableFileTests {
    @Test("who has a file open while it is replaced reads the old one to its end")
    func replaced() throws {
        let directory = TemporaryDirectory()
        let path = directory.path + "/file"
        try SmallFile.replace(path, with: Array("before".utf8), mode: 0o644)
        let reader = try FileHandle(forReadingFrom: URL(filePath: path))
        try SmallFile.replace(path, with: Array("now".utf8), mode: 0o600)
        #expect(try reader.readToEnd() == Data("before".utf8))
        #expect(try SmallFile.read(path, bytesMax: 9, isSecret: true) == Array("now".utf8))
        #expect(try FileNames.list(directory.path, endingWith: "") == ["file"])
    }

    @Test("a copy is byte for byte the same, and never put over another file")
    func copied() throws {
        let directory = TemporaryDirectory()
        let source = directory.path + "/source"
        let target = directory.path + "/target"
        // More than a block, and no whole number of them.
        let bytes = randomBytes((1 << 20) + 12_345)
        try Data(bytes).write(to: URL(filePath: source))
        try DurableFile.copy(source, to: target)
        #expect(try Data(contentsOf: URL(filePath: target)) == Data(bytes))
        #expect(throws: SystemFault.self) { try DurableFile.copy(source, to: target) }
        #expect(throws: SystemFault.self) {
            try DurableFile.makeEmptyDirectory(directory.path)
        }
    }
}
