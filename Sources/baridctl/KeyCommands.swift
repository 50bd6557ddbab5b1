// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Control
import Glibc
import Keys
import Platform

/// The request of a key, and what the officer was told of it.
struct RequestOptions: ParsableArguments {
    @Argument(help: "The request that barid keygen wrote on the agency's host.")
    var request: String

    @Option(
        help: ArgumentHelp(
            "The key's fingerprint as the agency read it to you over another channel; digits of "
                + "either script, grouped in any way.",
            valueName: "digits"
        )
    )
    var fingerprint: String

    @Option(help: "Days the key is good for, from now on (default: 400).")
    var days: UInt32?

    @Option(help: "Why; goes into the journal.")
    var reason: String

    /// The text of the request.
    func text() throws(OperatorFault) -> String {
        do throws(SystemFault) {
            return String(
                decoding: try SmallFile.read(request, bytesMax: 4_096, isSecret: false),
                as: UTF8.self
            )
        } catch {
            throw OperatorFault(code: "noSuchFile", exit: .badData, text: error.description)
        }
    }
}

extension AgencyCommand {
    struct Add: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "add",
            abstract: "Enrol an agency's key.",
            discussion: """
                Checks that the request was made by whoever holds the secret half of the key, for \
                this daemon, and that its fingerprint is the one you were told.
                """
        )

        @OptionGroup var request: RequestOptions
        @OptionGroup var connection: ConnectionOptions

        func run() throws {
            try connection.perform { (client, output) throws(OperatorFault) in
                let key: KeyRow = try client.request(
                    .agencyAdd,
                    EnrolArguments(
                        request: try request.text(),
                        fingerprint: request.fingerprint,
                        days: request.days
                    ),
                    reason: request.reason
                )
                try output.show(key, schema: "agency.add") { output.pairs(key.pairs) }
                return .done
            }
        }
    }

    struct Rotate: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "rotate",
            abstract: "Enrol a key that takes over; the agency's other key ends after the overlap."
        )

        @OptionGroup var request: RequestOptions

        @Option(help: "Days the other key is still good for (default: 30).")
        var overlapDays: UInt32?

        @OptionGroup var connection: ConnectionOptions

        func run() throws {
            try connection.perform { (client, output) throws(OperatorFault) in
                let key: KeyRow = try client.request(
                    .agencyRotate,
                    RotateArguments(
                        request: try request.text(),
                        fingerprint: request.fingerprint,
                        days: request.days,
                        overlapDays: overlapDays
                    ),
                    reason: request.reason
                )
                try output.show(key, schema: "agency.rotate") { output.pairs(key.pairs) }
                return .done
            }
        }
    }

    struct Revoke: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "revoke",
            abstract: "End a key of an agency for good, or all of them.",
            discussion:
                "Sessions of the key end at once; no act of it is recorded from then on.\n\n"
                + ApprovalOptions.discussion
        )

        @Argument(help: "Name of the agency.")
        var name: String

        @Option(help: "Number of the key, as agency show tells it.")
        var key: UInt32?

        @Flag(help: "All keys of the agency.")
        var all = false

        @OptionGroup var approval: ApprovalOptions
        @OptionGroup var connection: ConnectionOptions

        func validate() throws {
            guard (key == nil) == all else {
                throw ValidationError("Say which key is meant: --key NUMBER, or --all.")
            }
        }

        func run() throws {
            try approval.perform(.agencyRevoke, connection, done: "keys revoked") {
                RevokeArguments(agency: name, key: key, token: $0)
            }
        }
    }
}

struct InitCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "init",
        abstract: "Make the daemon's own key, which agencies need to reach it over TCP.",
        discussion: """
            Writes DIR/server.key, which only its owner can read, and DIR/server.pub for the \
            agencies. A key that is there is never replaced. Instead of the file, systemd may hand \
            the key over as the credential barid-server-key.
            """
    )

    @Option(
        help: ArgumentHelp(
            "Data directory of the daemon (default: $BARID_DATA, else /var/lib/barid).",
            valueName: "dir"
        )
    )
    var data: String?

    @OptionGroup var outputOptions: OutputOptions

    private struct Made: Encodable {
        var fingerprint: String
        var fingerprintArabic: String
        var key: String
        var publicFile: String
    }

    func run() throws {
        let directory = data ?? environment("BARID_DATA") ?? "/var/lib/barid"
        let output = outputOptions.output
        try output.perform { () throws(OperatorFault) in
            let pair: KeyPair
            do throws(KeyFault) {
                pair = try ServerKey.make(in: directory)
            } catch {
                throw OperatorFault(code: "keyNotMade", exit: .failed, text: error.description)
            }
            let fingerprint = Fingerprint(of: pair.publicKey)
            let made = Made(
                fingerprint: "\(fingerprint)",
                fingerprintArabic: fingerprint.arabic,
                key: pair.z85,
                publicFile: ServerKey.publicPath(in: directory)
            )
            try output.show(made, schema: "init") {
                output.pairs([
                    ("public key", made.key), ("fingerprint", made.fingerprint),
                    ("بصمة المفتاح", made.fingerprintArabic), ("for agencies", made.publicFile),
                ])
            }
            return .done
        }
    }
}

extension KeyRow {
    /// What is shown of a key.
    var pairs: [(String, String)] {
        [
            ("agency", agency), ("key", "\(number) \(key)"), ("state", state),
            ("fingerprint", fingerprint), ("بصمة المفتاح", fingerprintArabic),
            ("from", beginsAt.text), ("to", endsAt.text), ("note", note),
        ]
    }
}

extension AgencyAccess {
    /// What is shown of an agency.
    func lines(_ output: Output) -> [String] {
        var lines = output.pairs([
            ("agency", name), ("standing", suspended ? "suspended" : "admitted"),
            ("roles", roles.map { "@" + $0 }.joined(separator: " ")),
            (
                "limits",
                """
                sessions \(limits.sessions), operations/s \(limits.operationsPerSecond), bytes/s \
                \(limits.bytesPerSecond), subscriptions \(limits.subscriptions), questions \
                \(limits.questions), open cases \(limits.openCases), queued bytes \
                \(limits.queuedBytes)
                """
            ),
        ])
        for key in keys {
            lines.append("")
            lines += output.pairs(key.pairs)
        }
        guard !rules.isEmpty else { return lines }
        lines.append("")
        return lines + output.pairs(rules.map { ("rule \($0.number)", $0.text) })
    }
}

extension RuleRow {
    /// As operators write it.
    var text: String { "\(allowed ? "allow" : "deny") \(subject) \(right) \(pattern)" }
}
