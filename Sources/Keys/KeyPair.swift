// SPDX-License-Identifier: Apache-2.0

internal import Crypto
package import Wire

/// Both halves of a CURVE key.
///
/// Its description shows the public half only, so that no log line betrays the other.
package struct KeyPair: Sendable, CustomStringConvertible {
    /// What everybody may know.
    package let publicKey: PublicKey
    /// The 32 secret bytes.
    package let secret: [UInt8]

    /// A new pair from the system's generator.
    package init() {
        let key = Curve25519.KeyAgreement.PrivateKey()
        self.init(key)
    }

    /// The pair of a secret half; nil unless it has 32 bytes.
    package init?(secret: [UInt8]) {
        guard let key = try? Curve25519.KeyAgreement.PrivateKey(rawRepresentation: secret) else {
            return nil
        }
        self.init(key)
    }

    private init(_ key: Curve25519.KeyAgreement.PrivateKey) {
        guard let publicKey = PublicKey(Array(key.publicKey.rawRepresentation)) else {
            preconditionFailure("an X25519 key has 32 bytes")
        }
        self.publicKey = publicKey
        secret = Array(key.rawRepresentation)
    }

    /// The public half in Z85.
    package var z85: String { publicKey.z85 }

    package var description: String { "key \(publicKey.z85)" }

    /// The X25519 agreement with another's public half; nil for a key of low order, with which
    /// everybody agrees on zero.
    func agreement(with other: PublicKey) -> SharedSecret? {
        guard let mine = try? Curve25519.KeyAgreement.PrivateKey(rawRepresentation: secret),
            let theirs = try? Curve25519.KeyAgreement.PublicKey(rawRepresentation: other.bytes)
        else { return nil }
        return try? mine.sharedSecretFromKeyAgreement(with: theirs)
    }
}
