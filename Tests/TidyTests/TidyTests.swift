// SPDX-License-Identifier: Apache-2.0
// Goal: keep what a reader would otherwise check by hand. Method: read the tree as text.

import Foundation
import Testing

@Suite("The tree is tidy")
struct TidyTests {
    @Test("every source file says its licence in the first line")
    func licences() throws {
        for file in try Tree.swiftFiles() where !file.path.contains("/Generated/") {
            let first = file.text.prefix { $0 != "\n" }
            // The manifest must begin with its tools version.
            #expect(
                first == "// SPDX-License-Identifier: Apache-2.0"
                    || first.hasPrefix("// swift-tools-version"),
                "\(file.path)"
            )
        }
    }

    @Test("a room imports only what the manifest lists for it")
    func arrows() throws {
        let rooms = try Tree.manifestRooms()
        #expect(rooms["Wire"] == [], "the manifest was not understood")
        for file in try Tree.swiftFiles() where file.path.hasPrefix("Sources/") {
            let room = String(file.path.split(separator: "/")[1])
            let allowed = try #require(rooms[room], "\(room) is not in the manifest")
            for module in file.imports where rooms[module] != nil {
                #expect(allowed.contains(module), "\(file.path) imports \(module)")
            }
        }
    }

    @Test("courier and ledger do not know each other")
    func shells() throws {
        let rooms = try Tree.manifestRooms()
        #expect(rooms["Courier"]?.contains("Ledger") == false)
        #expect(rooms["Ledger"]?.contains("Courier") == false)
        #expect(rooms["Rules"] == ["Wire"])
        #expect(rooms["BaridClient"]?.contains("Ledger") == false)
    }

    @Test("only the rooms that own a C library import it")
    func cLibraries() throws {
        let owners = [
            "CZeroMQ": "ZeroMQ", "CAccept": "ZeroMQ", "CSQLite": "SQLite", "CXML": "XES",
        ]
        for file in try Tree.swiftFiles() where file.path.hasPrefix("Sources/") {
            for module in file.imports {
                guard let owner = owners[module] else { continue }
                #expect(file.path.hasPrefix("Sources/\(owner)/"), "\(file.path)")
            }
        }
    }

    @Test("nothing is left to do, forced or silenced")
    func loose() throws {
        let banned = [
            "TO" + "DO", "FIX" + "ME", "fatal" + "Error(", "try" + "! ", "as" + "! ",
            ".dis" + "abled(", "withKnown" + "Issue",
        ]
        for file in try Tree.swiftFiles() where !file.path.contains("/Generated/") {
            for word in banned {
                #expect(!file.text.contains(word), "\(file.path) contains \(word)")
            }
        }
    }

    @Test("what the compiler is asked to trust stands on a list")
    func trusted() throws {
        let trusted: Set = [
            "Sources/Platform/Mailbox.swift", "Sources/ZeroMQ/Context.swift",
            "Sources/SQLite/Connection.swift", "Sources/SQLite/LogFile.swift",
            "Sources/SQLite/PageNumbers.swift",
            "Sources/Ledger/LedgerThread.swift",
        ]
        for file in try Tree.swiftFiles()
        where file.path.hasPrefix("Sources/") && !file.path.contains("/Generated/") {
            let asks =
                file.text.contains("@unchecked Sendable")
                || file.text.contains("nonisolated(unsafe)")
            #expect(!asks || trusted.contains(file.path), "\(file.path)")
        }
    }

    @Test("the embedded default procedure is the shipped one")
    func defaultProcedure() throws {
        let shipped = try Tree.text("Deploy/procedures/itinerary.yaml")
        let source = try Tree.text("Sources/Daemon/DefaultProcedure.swift")
        for line in shipped.split(separator: "\n") {
            #expect(source.contains(line), "\(line)")
        }
    }

    @Test("the top level holds what a newcomer expects and nothing else")
    func topLevel() throws {
        let expected: Set = [
            "Package.swift", "Sources", "Tests", "Deploy", "Protocols", "README.md",
        ]
        let found = try FileManager.default.contentsOfDirectory(atPath: Tree.root.path)
            .filter { !$0.hasPrefix(".") && $0 != "Package.resolved" }
        #expect(Set(found) == expected)
    }
}

/// The checkout this test was built from.
private enum Tree {
    static let root = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    struct File {
        let path: String
        let text: String

        var imports: [String] {
            text.split(separator: "\n").compactMap { line in
                let words = line.split(separator: " ")
                guard let place = words.firstIndex(of: "import"), place <= 2,
                    words.count > place + 1
                else { return nil }
                return String(words[place + 1])
            }
        }
    }

    static func text(_ path: String) throws -> String {
        try String(contentsOf: root.appending(path: path), encoding: .utf8)
    }

    static func swiftFiles() throws -> [File] {
        var files = [File(path: "Package.swift", text: try text("Package.swift"))]
        for folder in ["Sources", "Tests"] {
            let walk = FileManager.default.enumerator(atPath: root.appending(path: folder).path)
            while let path = walk?.nextObject() as? String {
                guard path.hasSuffix(".swift") else { continue }
                let full = folder + "/" + path
                files.append(File(path: full, text: try text(full)))
            }
        }
        return files
    }

    /// The rooms of the manifest with what each may import of the other rooms.
    static func manifestRooms() throws -> [String: Set<String>] {
        let manifest = try text("Package.swift")
        var rooms: [String: Set<String>] = [:]
        for opening in ["\n        room(", "\n        door(", "\n        .systemLibrary("] {
            for part in manifest.components(separatedBy: opening).dropFirst() {
                let quoted = part.prefix(upTo: closing(of: part))
                    .split(separator: "\"", omittingEmptySubsequences: false)
                    .enumerated().filter { $0.offset % 2 == 1 }.map { String($0.element) }
                guard let name = quoted.first else { continue }
                rooms[name] = Set(quoted.dropFirst())
            }
        }
        return rooms.mapValues { names in names.filter { rooms[$0] != nil } }
    }

    /// Where the bracket closes that was open before the text.
    private static func closing(of text: String) -> String.Index {
        var depth = 1
        for index in text.indices {
            if text[index] == "(" { depth += 1 }
            if text[index] == ")" { depth -= 1 }
            if depth == 0 { return index }
        }
        return text.endIndex
    }
}
