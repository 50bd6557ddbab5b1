// SPDX-License-Identifier: Apache-2.0

import Foundation
import Testing
import Wire
import TestKit

/// The checkout these tests belong to, found from this file.
enum Checkout {
    static let root = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

    /// A text of the protocol's folder.
    static func text(of path: String) throws -> String {
        try String(
            contentsOf: root.appending(path: "Protocols").appending(path: path),
            encoding: .utf8
        )
    }
}

/// One file of `Protocols/Vectors/bus`, written as `Protocols/README.md` says.
struct Vector: Sendable, CustomTestStringConvertible {
    /// What its second line promises.
    enum Expectation: Equatable, Sendable {
        case accept
        case refuse(PacketFault)
        case operationRefused(RefusalCode)
    }

    /// A line that is not written as the rules say.
    struct Unreadable: Error {
        let line: String
    }

    let name: String
    let expectation: Expectation
    let bytes: [UInt8]

    var testDescription: String { name }

    /// All vectors of the bus protocol, by name.
    static func all() throws -> [Vector] {
        let folder = Checkout.root.appending(path: "Protocols/Vectors/bus")
        return try FileManager.default.contentsOfDirectory(atPath: folder.path)
            .filter { $0.hasSuffix(".hex") }.sorted()
            .map { try Vector(file: $0) }
    }

    /// The vectors a reader accepts.
    static func accepted() throws -> [Vector] {
        try all().filter { $0.expectation == .accept }
    }

    private init(file: String) throws {
        let lines = try Checkout.text(of: "Vectors/bus/\(file)")
            .split(separator: "\n", omittingEmptySubsequences: false)
        guard lines.count > 2, lines[0].hasPrefix("; \(file): ") else {
            throw Unreadable(line: "\(file): first line")
        }
        name = String(file.dropLast(".hex".count))
        expectation = try Self.expectation(in: lines[1])
        bytes = try lines.flatMap { try Self.bytes(in: $0) }
    }

    private static func expectation(in line: Substring) throws -> Expectation {
        let words = line.split(separator: " ")
        guard words.starts(with: [";", "expect:"]) else { throw Unreadable(line: String(line)) }
        switch words.dropFirst(2).map({ String($0) }) {
        case ["accept"]:
            return .accept
        case let words where words.count == 2 && words[0] == "refuse":
            let faults = PacketFault.allCases.filter { "\($0)" == words[1] }
            if let fault = faults.first { return .refuse(fault) }
        case let words where words.count == 2 && words[0] == "operation-refused":
            let codes = RefusalCode.allCases.filter { "\($0)" == words[1] }
            if let code = codes.first { return .operationRefused(code) }
        default:
            break
        }
        throw Unreadable(line: String(line))
    }

    /// The bytes of a line: hexadecimal digits in pairs, spaces anywhere between pairs, `5a*12` for
    /// twelve times the byte, nothing behind `;`.
    private static func bytes(in line: Substring) throws -> [UInt8] {
        var bytes: [UInt8] = []
        for word in line.prefix(while: { $0 != ";" }).split(separator: " ") {
            let parts = word.split(separator: "*", omittingEmptySubsequences: false)
            let digits = Array(parts[0])
            guard digits.count.isMultiple(of: 2), parts.count <= 2 else {
                throw Unreadable(line: String(line))
            }
            for place in stride(from: 0, to: digits.count, by: 2) {
                guard let byte = UInt8(String(digits[place...place + 1]), radix: 16) else {
                    throw Unreadable(line: String(line))
                }
                bytes.append(byte)
            }
            if parts.count == 2 {
                guard let count = Int(parts[1]), digits.count == 2, let byte = bytes.popLast()
                else {
                    throw Unreadable(line: String(line))
                }
                bytes.append(contentsOf: repeatElement(byte, count: count))
            }
        }
        return bytes
    }
}
