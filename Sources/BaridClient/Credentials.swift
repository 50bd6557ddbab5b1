// SPDX-License-Identifier: Apache-2.0

internal import Keys
internal import Wire

/// What a program proves who it is with: its agency's key, and the key of the bus it trusts.
///
/// Needed for every bus reached over TCP. A bus that does not admit the key ends the attempt at once
/// with `notAdmitted`; one with another key than `server` cannot be talked to at all.
public struct Credentials: Sendable, CustomStringConvertible {
    let pair: KeyPair
    let server: PublicKey

    /// Reads the credentials of a program.
    ///
    /// - Parameters:
    ///   - keyFile: The file that `barid keygen` made; only its owner may read it.
    ///   - server: The public key of the bus: its 40 characters, or the path of its `server.pub`.
    /// - Throws: What is wrong with a file or a key.
    public init(keyFile: String, server: String) throws(BaridError) {
        do throws(KeyFault) {
            pair = try KeyFile.readPair(keyFile)
            self.server = try KeyFile.publicKey(given: server)
        } catch {
            throw .faulty(error.description)
        }
    }

    /// Shows public halves only.
    public var description: String { "key \(pair.publicKey.z85) for \(server.z85)" }
}
