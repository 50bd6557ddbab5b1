// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Platform

/// The daemon's own key: where it lies, and how it is made.
package enum ServerKey {
    /// Name of the credential systemd may hand over (`LoadCredential=`); it goes before the file.
    package static let credentialName = "barid-server-key"

    /// The file in a data directory.
    package static func path(in directory: String) -> String { directory + "/server.key" }

    /// The file with the public half, for agencies.
    package static func publicPath(in directory: String) -> String { directory + "/server.pub" }

    /// Reads the key of a daemon: systemd's credential, else the file; nil if there is neither.
    ///
    /// - Throws: `KeyFault` for one that is there and cannot be used.
    package static func read(directory: String) throws(KeyFault) -> KeyPair? {
        if let folder = getenv("CREDENTIALS_DIRECTORY") {
            let credential = String(cString: folder) + "/" + credentialName
            if access(credential, F_OK) == 0 {
                return try KeyFile.readPair(credential, isGuarded: true)
            }
        }
        let path = path(in: directory)
        guard access(path, F_OK) == 0 else { return nil }
        return try KeyFile.readPair(path)
    }

    /// Makes a key in a data directory, and the directory if it is not there.
    ///
    /// - Throws: `KeyFault.file`, with `EEXIST` where there is a key already: it is what every
    ///   agency trusts, and is never made anew by accident.
    package static func make(in directory: String) throws(KeyFault) -> KeyPair {
        guard mkdir(directory, 0o750) == 0 || errno == EEXIST else {
            throw .file(
                SystemFault(
                    errno: errno,
                    operation: "make the data directory",
                    path: directory
                )
            )
        }
        let pair = KeyPair()
        try KeyFile.write(pair, to: path(in: directory))
        // A public half that is left over from a lost key would be handed out as this one's.
        unlink(publicPath(in: directory))
        try KeyFile.write(pair.publicKey, to: publicPath(in: directory))
        return pair
    }
}
