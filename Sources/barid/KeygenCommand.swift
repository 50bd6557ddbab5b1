// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import Keys
internal import Platform
internal import Wire

/// Makes an agency's key on the agency's own host.
struct KeygenCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "keygen",
        abstract: "Make a key for this agency, and the request to enrol it.",
        discussion: """
            The secret half stays in the key file, which only its owner can read. Send the request \
            to the operators of the bus, and read them the fingerprint over another channel: the \
            telephone, or face to face.
            """
    )

    @Option(help: "Agency the key is for. Default: $BARID_AGENCY.")
    var agency: String?

    @Option(
        help: ArgumentHelp(
            "Public key of the bus, or its server.pub. Default: $BARID_SERVER_KEY.",
            valueName: "key"
        )
    )
    var serverKey: String?

    @Option(help: ArgumentHelp("Key file to make.", valueName: "file"))
    var out: String

    @Option(
        help: ArgumentHelp(
            "Request to make. Default: the key file and .request.",
            valueName: "file"
        )
    )
    var request: String?

    @Option(help: "What the key is for, one line for the operators.")
    var note = ""

    @Flag(help: "Print JSON.")
    var json = false

    func run() throws {
        guard let agency = agency ?? environment("BARID_AGENCY") else {
            throw ValidationError("Say which agency the key is for: --agency NAME.")
        }
        guard let server = serverKey ?? environment("BARID_SERVER_KEY") else {
            throw ValidationError("The bus's own key is needed: --server-key server.pub.")
        }
        let pair = KeyPair()
        let requestPath = request ?? out + ".request"
        do throws(KeyFault) {
            let made = try KeyRequest(
                agency: agency,
                pair: pair,
                server: try KeyFile.publicKey(given: server),
                made: Clock.wallMilliseconds(),
                note: note
            )
            try KeyFile.write(pair, to: out)
            try KeyFile.write(made, to: requestPath)
        } catch {
            throw leaving(error.description, .badData)
        }
        let fingerprint = Fingerprint(of: pair.publicKey)
        let members: [(String, JSON)] = [
            ("agency", .text(agency)), ("key", .text(pair.publicKey.z85)),
            ("fingerprint", .text("\(fingerprint)")),
            ("fingerprintArabic", .text(fingerprint.arabic)),
            ("keyFile", .text(out)), ("request", .text(requestPath)),
        ]
        guard !json else { return writeText(JSON.object(members).text + "\n") }
        writeText(
            """
            Key file     \(out)   (secret; back it up like a seal)
            Request      \(requestPath)   (for the operators of the bus)
            Fingerprint  \(fingerprint)
            بصمة المفتاح  \(fingerprint.arabic)

            """
        )
    }
}
