// SPDX-License-Identifier: Apache-2.0

internal import Crypto
package import Wire

/// An agency's request to enrol a key, with proof that whoever made it holds the secret half.
///
/// The secret half never leaves the agency's host. The proof is an HMAC under a key that only the
/// two ends of an X25519 agreement know, the agency's new key and the daemon's, over every line
/// before it: whoever copies another agency's public key cannot make it, and a request cannot be
/// moved to another agency, another key or another daemon. Why not a signature: record 0040.
///
/// ```
/// barid-key-request: 1
/// agency: city
/// public: <40 characters>
/// server: <40 characters>
/// made: 1772352000000
/// note: permits-backend on host a
/// proof: <64 hexadecimal digits>
/// ```
package struct KeyRequest: Equatable, Sendable {
    package let agency: String
    package let publicKey: PublicKey
    /// The daemon it is for.
    package let server: PublicKey
    /// When it was made, in milliseconds since 1970 by the agency's clock.
    package let made: Int64
    /// What the key is for, one line for people, at most `noteBytesMax` bytes.
    package let note: String
    private let proof: [UInt8]

    /// Bytes of a note.
    package static let noteBytesMax = 200

    private static let what = "a key request"
    private static let heading = "barid-key-request"
    private static let label = "barid key request 1"

    /// Makes a request with a new key.
    ///
    /// - Throws: `KeyFault` for a name that is not one, a note that is too long or no single line,
    ///   or a server key that is none.
    package init(
        agency: String,
        pair: KeyPair,
        server: PublicKey,
        made: Int64,
        note: String
    ) throws(KeyFault) {
        try Self.check(agency: agency, note: note)
        self.agency = agency
        publicKey = pair.publicKey
        self.server = server
        self.made = made
        self.note = note
        let claim = Self.claim(agency, pair.publicKey, server, made, note)
        guard let key = Self.proofKey(pair, with: server, agencyKey: pair.publicKey, server) else {
            throw .malformed("a server key", reason: "it agrees with everybody on the same secret")
        }
        proof = Array(HMAC<SHA256>.authenticationCode(for: Array(claim.utf8), using: key))
    }

    /// Reads a request; nothing is proven yet.
    ///
    /// - Throws: `KeyFault.malformed`.
    package init(reading text: String) throws(KeyFault) {
        var lines = try KeyText(text, what: Self.what)
        try lines.expect(Self.heading, "1")
        agency = try lines.value(of: "agency")
        publicKey = try lines.key(of: "public")
        server = try lines.key(of: "server")
        let made = try lines.value(of: "made")
        guard let instant = Int64(made), String(instant) == made else {
            throw .malformed(Self.what, reason: "made is not an instant in milliseconds")
        }
        self.made = instant
        note = try lines.value(of: "note")
        guard let proof = Self.bytes(hexadecimal: try lines.value(of: "proof")) else {
            throw .malformed(Self.what, reason: "the proof is not 64 hexadecimal digits")
        }
        self.proof = proof
        try lines.expectEnd()
        try Self.check(agency: agency, note: note)
    }

    /// The request as it is sent.
    package var text: String {
        Self.claim(agency, publicKey, server, made, note) + "proof: " + Self.hexadecimal(proof)
            + "\n"
    }

    /// Checks that its maker holds the secret half of its key.
    ///
    /// - Throws: `KeyFault.otherServer` or `unproven`.
    package func check(by server: KeyPair) throws(KeyFault) {
        guard self.server == server.publicKey else { throw .otherServer(self.server.z85) }
        let claim = Self.claim(agency, publicKey, self.server, made, note)
        guard
            let key = Self.proofKey(
                server,
                with: publicKey,
                agencyKey: publicKey,
                server.publicKey
            ),
            HMAC<SHA256>.isValidAuthenticationCode(
                proof,
                authenticating: Array(claim.utf8),
                using: key
            )
        else { throw .unproven }
    }

    private static func proofKey(
        _ mine: KeyPair,
        with theirs: PublicKey,
        agencyKey: PublicKey,
        _ server: PublicKey
    ) -> SymmetricKey? {
        mine.agreement(with: theirs)?.hkdfDerivedSymmetricKey(
            using: SHA256.self,
            salt: [UInt8](),
            sharedInfo: Array(label.utf8) + agencyKey.bytes + server.bytes,
            outputByteCount: 32
        )
    }

    private static func claim(
        _ agency: String,
        _ key: PublicKey,
        _ server: PublicKey,
        _ made: Int64,
        _ note: String
    ) -> String {
        """
        \(heading): 1
        agency: \(agency)
        public: \(key.z85)
        server: \(server.z85)
        made: \(made)
        note: \(note)

        """
    }

    private static func check(agency: String, note: String) throws(KeyFault) {
        guard Name.isLegal(agency) else {
            throw .malformed(what, reason: "\"\(agency.prefix(100))\" is no name of an agency")
        }
        guard note.utf8.count <= noteBytesMax, note.unicodeScalars.allSatisfy({ $0.value >= 32 })
        else {
            throw .malformed(
                what,
                reason: "a note is one line of at most \(noteBytesMax) bytes"
            )
        }
    }

    private static func hexadecimal(_ bytes: [UInt8]) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    private static func bytes(hexadecimal text: String) -> [UInt8]? {
        let digits = Array(text.utf8)
        guard digits.count == 64 else { return nil }
        var bytes: [UInt8] = []
        for start in stride(from: 0, to: digits.count, by: 2) {
            var byte: UInt8 = 0
            for digit in digits[start..<start + 2] {
                switch digit {
                case UInt8(ascii: "0")...UInt8(ascii: "9"):
                    byte = byte << 4 | (digit - UInt8(ascii: "0"))
                case UInt8(ascii: "a")...UInt8(ascii: "f"):
                    byte = byte << 4 | (digit - UInt8(ascii: "a") + 10)
                default: return nil
                }
            }
            bytes.append(byte)
        }
        return bytes
    }
}
