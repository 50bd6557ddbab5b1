// SPDX-License-Identifier: Apache-2.0

import Control
import FoundationEssentials
import Testing

/// Holds the server against `Protocols/control.md`.
@Suite("The specification of the control socket")
struct SpecificationTests {
    struct Example {
        var request: String
        var replies: [String]
    }

    private static func examples() throws -> [Example] {
        let page = URL(filePath: #filePath).deletingLastPathComponent()
            .appending(path: "../../Protocols/control.md")
        let text = String(decoding: try Data(contentsOf: page), as: UTF8.self)
        var examples: [Example] = []
        for line in text.split(separator: "\n") {
            if line.hasPrefix("→ ") {
                examples.append(Example(request: String(line.dropFirst(2)), replies: []))
            } else if line.hasPrefix("← ") {
                try #require(!examples.isEmpty, "a reply stands before the first request")
                examples[examples.count - 1].replies.append(String(line.dropFirst(2)))
            }
        }
        return examples
    }

    @Test("every example is answered as the page shows it, byte for byte")
    func answers() throws {
        let bench = try ServerBench()
        var peer = try Peer(path: bench.path)
        for example in try Self.examples() {
            try peer.send(example.request + "\n")
            var replies: [String] = []
            while replies.last?.contains(#""ok":"#) != true {
                replies.append(try #require(try peer.line()))
            }
            #expect(replies == example.replies, "\(example.request)")
        }
    }

    @Test("every command has an example")
    func complete() throws {
        let requests = try Self.examples().map(\.request)
        for command in CommandName.allCases {
            #expect(
                requests.contains { $0.contains(#""cmd":"\#(command.rawValue)""#) },
                "\(command.rawValue) has none"
            )
        }
    }
}
