// SPDX-License-Identifier: Apache-2.0

internal import Platform
package import Wire

/// Keys on disk, in lines of text.
///
/// ```
/// barid-secret-key: 1        barid-public-key: 1
/// public: <40 characters>    public: <40 characters>
/// secret: <40 characters>
/// ```
package enum KeyFile {
    private static let secretHeading = "barid-secret-key"
    private static let publicHeading = "barid-public-key"
    private static let form = "1"

    /// Writes both halves to a new file only its owner can read (mode 0600), durably.
    ///
    /// - Throws: `KeyFault.file`; `EEXIST` if there is one: a key is never overwritten.
    package static func write(_ pair: KeyPair, to path: String) throws(KeyFault) {
        let text = """
            \(secretHeading): \(form)
            public: \(pair.publicKey.z85)
            secret: \(Z85.text(of: pair.secret))

            """
        try store(text, path, mode: 0o600)
    }

    /// Writes a public half to a new file everybody may read.
    ///
    /// - Throws: `KeyFault.file`.
    package static func write(_ key: PublicKey, to path: String) throws(KeyFault) {
        try store(
            """
            \(publicHeading): \(form)
            public: \(key.z85)

            """,
            path,
            mode: 0o644
        )
    }

    /// Writes a request to a new file everybody may read.
    ///
    /// - Throws: `KeyFault.file`.
    package static func write(_ request: KeyRequest, to path: String) throws(KeyFault) {
        try store(request.text, path, mode: 0o644)
    }

    /// Reads both halves.
    ///
    /// - Parameters:
    ///   - path: The file.
    ///   - isGuarded: True where something else keeps others away from the file, as systemd does
    ///     from a credential; else a file that others may read is refused.
    /// - Returns: The pair.
    /// - Throws: `KeyFault`.
    package static func readPair(
        _ path: String,
        isGuarded: Bool = false
    ) throws(KeyFault) -> KeyPair {
        let what = "a secret key"
        var text = try KeyText(load(path, isSecret: !isGuarded), what: what)
        try text.expect(secretHeading, form)
        let publicKey = try text.key(of: "public")
        let secret = try text.key(of: "secret").bytes
        try text.expectEnd()
        guard let pair = KeyPair(secret: secret), pair.publicKey == publicKey else {
            throw .malformed(what, reason: "its halves do not belong together")
        }
        return pair
    }

    /// Reads a public half, from a file of either kind.
    ///
    /// - Throws: `KeyFault`.
    package static func readPublicKey(_ path: String) throws(KeyFault) -> PublicKey {
        var text = try KeyText(load(path, isSecret: false), what: "a public key")
        try text.expect(publicHeading, form)
        let key = try text.key(of: "public")
        try text.expectEnd()
        return key
    }

    /// A public key given as 40 characters of Z85, or as the path of its file.
    ///
    /// - Throws: `KeyFault`.
    package static func publicKey(given text: String) throws(KeyFault) -> PublicKey {
        if let key = PublicKey(z85: text) { return key }
        return try readPublicKey(text)
    }

    private static func store(_ text: String, _ path: String, mode: UInt32) throws(KeyFault) {
        do throws(SystemFault) {
            try NewFile.write(Array(text.utf8), to: path, mode: mode)
        } catch {
            throw .file(error)
        }
    }

    private static func load(_ path: String, isSecret: Bool) throws(KeyFault) -> String {
        do throws(SystemFault) {
            return String(
                decoding: try SmallFile.read(
                    path,
                    bytesMax: KeyText.bytesMax,
                    isSecret: isSecret
                ),
                as: UTF8.self
            )
        } catch {
            throw .file(error)
        }
    }
}
