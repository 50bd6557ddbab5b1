// SPDX-License-Identifier: Apache-2.0

/// The public half of a CURVE key (RFC 26): 32 bytes of X25519, written in Z85 as 40 characters.
package struct PublicKey: Hashable, Sendable {
    /// Bytes of a key, public or secret.
    package static let byteCount = 32

    /// The 32 bytes.
    package let bytes: [UInt8]

    /// A key of these bytes; nil unless there are 32 of them.
    package init?(_ bytes: [UInt8]) {
        guard bytes.count == Self.byteCount else { return nil }
        self.bytes = bytes
    }

    /// A key written in Z85; nil if it is none.
    package init?(z85 text: some StringProtocol) {
        guard let bytes = Z85.bytes(of: text) else { return nil }
        self.init(bytes)
    }

    /// The key in Z85, 40 characters.
    package var z85: String { Z85.text(of: bytes) }
}
