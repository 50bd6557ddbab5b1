// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import BaridClient
internal import Glibc
internal import Wire

/// Where the bus is and for whom we speak; the same for every command.
struct ConnectionOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp(
            "Endpoint of the bus, or the path of its socket. Default: $BARID_BUS, else the "
                + "bus.sock of --data, else that of /var/lib/barid.",
            valueName: "endpoint"
        )
    )
    var bus: String?

    @Option(
        help: ArgumentHelp(
            "Data directory of a daemon on this machine: its bus.sock is used. Default: $BARID_DATA.",
            valueName: "dir"
        )
    )
    var data: String?

    @Option(
        help: ArgumentHelp(
            "Agency to act for. Default: $BARID_AGENCY, else that of the office, service or topic, "
                + "else city.",
            valueName: "name"
        )
    )
    var agency: String?

    @Option(
        help: ArgumentHelp(
            "File of the agency's key, made by barid keygen; needed over TCP. Default: "
                + "$BARID_KEY_FILE.",
            valueName: "file"
        )
    )
    var keyFile: String?

    @Option(
        help: ArgumentHelp(
            "Public key of the bus, or its server.pub. Default: $BARID_SERVER_KEY.",
            valueName: "key"
        )
    )
    var serverKey: String?

    @Flag(help: "Print JSON.")
    var json = false

    var endpoint: String {
        if let bus { return Self.endpoint(of: bus) }
        if let data { return "ipc://\(data)/bus.sock" }
        if let bus = environment("BARID_BUS") { return Self.endpoint(of: bus) }
        return "ipc://" + (environment("BARID_DATA") ?? "/var/lib/barid") + "/bus.sock"
    }

    /// What to prove at the bus; nil where no key is given.
    ///
    /// - Throws: What is wrong with it, as the way out.
    func credentials() throws -> Credentials? {
        let keyFile = keyFile ?? environment("BARID_KEY_FILE")
        let server = serverKey ?? environment("BARID_SERVER_KEY")
        guard keyFile != nil || serverKey != nil else { return nil }
        guard let keyFile, let server else {
            throw ValidationError(
                "A key and the key of the bus go together: --key-file FILE --server-key KEY."
            )
        }
        do throws(BaridError) {
            return try Credentials(keyFile: keyFile, server: server)
        } catch {
            throw leaving(error.text, .badData)
        }
    }

    /// The agency asked for, else that of the office, else `city`.
    func agency(for office: String? = nil) -> String {
        agency ?? environment("BARID_AGENCY")
            ?? office.map { String($0.prefix { $0 != "/" }) } ?? "city"
    }

    /// Connects, or leaves with a message and the right exit status.
    ///
    /// With `patience` an absent daemon is waited for, and standard error says so.
    func connect(
        as program: String,
        office: String? = nil,
        agencyOf topic: String? = nil,
        patience: Duration? = nil
    ) async throws -> Bus {
        let endpoint = endpoint
        let credentials = try credentials()
        let waiting = Task {
            try await Task.sleep(for: .seconds(2))
            guard let patience else { return }
            writeText(
                "barid: No answer from the bus at \(endpoint) yet; waiting for up to "
                    + "\(patience.components.seconds) s.\n",
                to: .error
            )
        }
        defer { waiting.cancel() }
        do {
            return try await Bus.connect(
                to: endpoint,
                agency: agency(for: office ?? topic.map { Topic.owner(of: $0) }),
                name: "barid \(program)",
                credentials: credentials,
                timeout: patience ?? .seconds(5),
                settleTimeout: patience ?? .seconds(30)
            )
        } catch {
            if error.code == .notConnected {
                throw leaving(
                    "No answer from the bus at \(endpoint). Is baridd running there? Another place "
                        + "is named with --bus, --data or their variables.",
                    .unreachable
                )
            }
            throw leaving(error)
        }
    }

    private static func endpoint(of text: String) -> String {
        text.hasPrefix("/") || text.hasPrefix(".") ? "ipc://\(text)" : text
    }
}

/// A variable of the environment; nil if unset or empty.
func environment(_ name: String) -> String? {
    guard let value = getenv(name) else { return nil }
    let text = String(cString: value)
    return text.isEmpty ? nil : text
}
