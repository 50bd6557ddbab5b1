// SPDX-License-Identifier: Apache-2.0

internal import Wire

/// The lines of a key file or request: `name: value`, in a fixed order, one form for one meaning.
struct KeyText {
    private(set) var lines: [Substring]
    private let what: String

    /// Largest file read, in bytes.
    static let bytesMax = 4_096

    /// Takes a text apart; `what` completes "This is not …".
    init(_ text: String, what: String) throws(KeyFault) {
        self.what = what
        guard text.utf8.count <= Self.bytesMax else {
            throw .malformed(what, reason: "it is longer than \(Self.bytesMax) bytes")
        }
        guard text.hasSuffix("\n") else {
            throw .malformed(what, reason: "its last line has no end")
        }
        lines = text.dropLast().split(separator: "\n", omittingEmptySubsequences: false)
    }

    /// Takes the next line, which must bear this name.
    mutating func value(of name: String) throws(KeyFault) -> String {
        guard let line = lines.first, line.hasPrefix(name + ": ") else {
            throw .malformed(what, reason: "the line \"\(name): …\" is missing at its place")
        }
        lines.removeFirst()
        return String(line.dropFirst(name.utf8.count + 2))
    }

    /// Takes the next line, which must bear this name and this value.
    mutating func expect(_ name: String, _ value: String) throws(KeyFault) {
        guard try self.value(of: name) == value else {
            throw .malformed(what, reason: "\(name) is not \(value)")
        }
    }

    /// Takes the next line as a key in Z85.
    mutating func key(of name: String) throws(KeyFault) -> PublicKey {
        guard let key = PublicKey(z85: try value(of: name)) else {
            throw .malformed(what, reason: "\(name) is not a key of 40 characters in Z85")
        }
        return key
    }

    /// Checks that nothing follows.
    func expectEnd() throws(KeyFault) {
        guard lines.isEmpty else { throw .malformed(what, reason: "lines follow its last one") }
    }
}
