// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Control

@Suite("Lines of the control socket")
struct LineReaderTests {
    private func found(_ bytes: [UInt8], piece: Int) -> [LineReader.Found] {
        var reader = LineReader(lineBytesMax: 4)
        var all: [LineReader.Found] = []
        for start in stride(from: 0, to: bytes.count, by: piece) {
            reader.append(bytes[start..<min(start + piece, bytes.count)])
            while true {
                let next = reader.next()
                if next == .nothing { break }
                all.append(next)
            }
        }
        return all
    }

    @Test("the same lines are found however the bytes arrive", arguments: 1...20)
    func pieces(piece: Int) {
        let bytes = Array("ab\n\nabcd\nabcde\nx\nabcdefghijk\ny\nrest".utf8)
        let expected: [LineReader.Found] = [
            .line(Array("ab".utf8)), .line([]), .line(Array("abcd".utf8)), .tooLong,
            .line(Array("x".utf8)), .tooLong, .line(Array("y".utf8)),
        ]
        #expect(found(bytes, piece: piece) == expected)
    }

    @Test("a part of a line is known, also while it is thrown away")
    func parts() {
        var reader = LineReader(lineBytesMax: 4)
        #expect(!reader.holdsPart)
        reader.append(Array("abcdef".utf8))
        #expect(reader.next() == .tooLong)
        #expect(reader.holdsPart)
        reader.append(Array("\n".utf8))
        #expect(reader.next() == .nothing)
        #expect(!reader.holdsPart)
    }
}
