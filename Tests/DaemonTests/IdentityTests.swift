// SPDX-License-Identifier: Apache-2.0
// Goal: nobody in without a key, and with one nobody beyond his rights. Method: the real daemon, the
// real programs and the public client over loopback TCP.

import BaridClient
import Control
import Glibc
import Keys
import TestKit
import Testing
import Wire

extension DaemonTests {
    @Suite("lets nobody in without a key")
    struct IdentityTests {
        private func daemon() throws -> DaemonProcess {
            try DaemonProcess(["--listen", "tcp://127.0.0.1:*"], isKeyed: true)
        }

        private func connect(
            _ daemon: DaemonProcess,
            _ credentials: Credentials?,
            agency: String = "city",
            timeout: Duration = .seconds(30)
        ) async throws(BaridError) -> Bus {
            try await Bus.connect(
                to: daemon.network,
                agency: agency,
                name: "tests",
                credentials: credentials,
                timeout: timeout
            )
        }

        private static func submission(_ office: String, body: String = "") -> Submission {
            var submission = Submission(procedure: "itinerary")
            submission.itinerary = [office]
            submission.body = Array(body.utf8)
            return submission
        }

        private func code(_ body: () async throws(BaridError) -> Void) async -> BaridError.Code? {
            do throws(BaridError) {
                try await body()
                return nil
            } catch {
                return error.code
            }
        }

        @Test("an enrolled agency's programs carry a case over TCP; its trail names the key")
        func flow() async throws {
            let daemon = try daemon()
            let credentials = try daemon.credentials(of: daemon.enrol("city"), named: "city")
            let bus = try await connect(daemon, credentials)
            let desk = try await bus.staff("city/desk")
            let receipt = try await bus.submit(Self.submission("city/desk"))
            for try await referral in desk {
                _ = try await referral.complete("unrecorded")
                break
            }
            let trail = try await bus.track(receipt.caseNumber)
            #expect(trail.isClosed)
            await bus.close()
            let view = try daemon.caseView(receipt.caseNumber)
            for act in view.acts {
                let by = try #require(act.by)
                #expect(by.key == 1 && by.fingerprint?.count == 35 && by.connection != nil)
                #expect(by.address?.hasPrefix("127.0.0.1 port ") == true)
            }
            #expect(view.acts.count == 2)
            try daemon.expectSound(closed: 1)
        }

        @Test("a key that is not enrolled, and one that is revoked, are told so at once")
        func notAdmitted() async throws {
            let daemon = try daemon()
            let stranger = try daemon.credentials(of: KeyPair(), named: "stranger")
            // An hour would pass if the client did not look at its monitor.
            #expect(
                await code { () throws(BaridError) in
                    _ = try await connect(daemon, stranger, timeout: .seconds(3_600))
                } == .notAdmitted
            )
            let key = try daemon.enrol("city")
            let credentials = try daemon.credentials(of: key, named: "city")
            await (try connect(daemon, credentials)).close()
            try daemon.revoke("city")
            #expect(
                await code { () throws(BaridError) in
                    _ = try await connect(daemon, credentials, timeout: .seconds(3_600))
                } == .notAdmitted
            )
        }

        @Test("a plan to revoke ends no key, and its token none that was enrolled since")
        func plannedRevocation() throws {
            let daemon = try daemon()
            _ = try daemon.enrol("city")
            var arguments = RevokeArguments(agency: "city")
            func revoke() throws -> PlanOutcome {
                var control = try daemon.control()
                return try control.request(.agencyRevoke, arguments, reason: "tests")
            }
            arguments.token = try revoke().plan?.token
            _ = try daemon.enrol("city")
            #expect(throws: OperatorFault.planStale) { try revoke() }
            arguments.token = nil
            #expect(try revoke().plan?.count == 2)
            try daemon.revoke("city")
            let fault = #expect(throws: OperatorFault.self) { try revoke() }
            #expect(fault?.code == "unchanged")
            arguments.key = 9
            let unknown = #expect(throws: OperatorFault.self) { try revoke() }
            #expect(unknown?.code == "noSuchKey")
        }

        @Test("a key opens sessions of its own agency only")
        func otherAgency() async throws {
            let daemon = try daemon()
            let credentials = try daemon.credentials(of: daemon.enrol("city"), named: "city")
            #expect(
                await code { () throws(BaridError) in
                    _ = try await connect(daemon, credentials, agency: "fire")
                } == .otherIdentity
            )
        }

        @Test("revocation ends a live session, and nothing it asks is recorded from then on")
        func revocation() async throws {
            let daemon = try daemon()
            let key = try daemon.enrol("city")
            let peer = try RawPeer(
                daemon.network,
                key: key,
                server: daemon.serverKey,
                reconnects: false
            )
            try peer.sayHello("city")
            #expect(try peer.attach("city/desk").header.verb == .answer)
            try daemon.revoke("city")
            let records = try daemon.verify().records
            try peer.send(peer.submission(office: "city/desk"))
            let told = try peer.next()
            #expect(told.header.verb == .farewell && told.code == .revoked)
            #expect(try peer.isCut())
            #expect(try daemon.verify().records >= records)
            #expect(try daemon.status().cases.open == 0)
        }

        @Test("a suspended agency is refused on every road until it is resumed")
        func suspension() async throws {
            let daemon = try daemon()
            let credentials = try daemon.credentials(of: daemon.enrol("city"), named: "city")
            let local = try RawPeer(daemon.bus)
            try local.sayHello("city")
            try daemon.change(.agencySuspend, AgencyArguments(agency: "city"))
            #expect(try local.next().code == .revoked)
            #expect(
                await code { () throws(BaridError) in _ = try await connect(daemon, credentials) }
                    == .notAdmitted
            )
            try daemon.change(.agencyResume, AgencyArguments(agency: "city"))
            await (try connect(daemon, credentials)).close()
        }

        @Test("a key that takes over leaves the other good for the overlap only")
        func rotation() async throws {
            let daemon = try daemon()
            let old = try daemon.credentials(of: daemon.enrol("city"), named: "old")
            let new = try daemon.credentials(
                of: daemon.enrol("city", isRotation: true),
                named: "new"
            )
            #expect(
                await code { () throws(BaridError) in _ = try await connect(daemon, old) }
                    == .notAdmitted
            )
            await (try connect(daemon, new)).close()
            let agency: AgencyAccess = try daemon.change(
                .agencyShow,
                AgencyArguments(agency: "city")
            )
            #expect(agency.keys.map(\.state) == ["ended", "live"])
            #expect(throws: OperatorFault.self) {
                _ = try daemon.enrol("city")
                _ = try daemon.enrol("city")
            }
        }

        @Test("keys, rules and suspensions outlive a restart")
        func restart() async throws {
            let daemon = try daemon()
            let credentials = try daemon.credentials(of: daemon.enrol("city"), named: "city")
            let other = try daemon.credentials(of: daemon.enrol("fire"), named: "fire")
            try daemon.change(.agencySuspend, AgencyArguments(agency: "fire"))
            daemon.kill()
            try daemon.restart(["--listen", "tcp://127.0.0.1:*"])
            let bus = try await connect(daemon, credentials)
            _ = try await bus.staff("city/desk")
            await bus.close()
            #expect(
                await code { () throws(BaridError) in
                    _ = try await connect(daemon, other, agency: "fire")
                } == .notAdmitted
            )
            #expect(try daemon.verify().isSound)
        }

        @Test("what no rule allows is refused, and a change of the rules bites on the next request")
        func rights() async throws {
            let daemon = try daemon()
            let key = try daemon.enrol("city", rights: [("staff", "city/a*")])
            let bus = try await connect(daemon, daemon.credentials(of: key, named: "city"))
            defer { Task { await bus.close() } }
            _ = try await bus.staff("city/able", credit: 10)
            let mayNotStaff = await code { () throws(BaridError) in
                _ = try await bus.staff("city/baker")
            }
            #expect(mayNotStaff == .notGranted)
            let submission = Self.submission("city/able")
            let maySubmit = await code { () throws(BaridError) in
                _ = try await bus.submit(submission)
            }
            #expect(maySubmit == .notGranted)
            try daemon.grant("city", "submit", "itin*")
            let receipt = try await bus.submit(submission)
            let mayTrack = await code { () throws(BaridError) in
                _ = try await bus.track(receipt.caseNumber)
            }
            #expect(mayTrack == .notGranted)
            try daemon.grant("*", "track", "*")
            _ = try await bus.track(receipt.caseNumber)
            try daemon.grant("city", "track", "itinerary", deny: true)
            let mayTrackStill = await code { () throws(BaridError) in
                _ = try await bus.track(receipt.caseNumber)
            }
            #expect(mayTrackStill == .notGranted)
            var late = Self.submission("city/able")
            late.occurredAt = 1_700_000_000_000
            let backdated = late
            let mayBackdate = await code { () throws(BaridError) in
                _ = try await bus.submit(backdated)
            }
            #expect(mayBackdate == .mayNotBackdate)
        }

        @Test("an office without the right to read is handed its cases without their content")
        func reading() async throws {
            let daemon = try daemon()
            let key = try daemon.enrol("city", rights: [("staff", "*"), ("submit", "*")])
            let bus = try await connect(daemon, daemon.credentials(of: key, named: "city"))
            let desk = try await bus.staff("city/mail")
            _ = try await bus.submit(Self.submission("city/mail", body: "secret"))
            var bodies: [[UInt8]] = []
            for try await referral in desk {
                bodies.append(referral.body)
                #expect(referral.isWithheld == referral.body.isEmpty)
                _ = try await referral.complete("unrecorded")
                if bodies.count == 1 {
                    try daemon.grant("city", "read", "city/mail")
                    _ = try await bus.submit(Self.submission("city/mail", body: "secret"))
                }
                if bodies.count == 2 { break }
            }
            #expect(bodies == [[], Array("secret".utf8)])
            await bus.close()
        }

        @Test("the programs enrol a key as the guide says, and refuse what does not fit")
        func programs() throws {
            let directory = TemporaryDirectory()
            let data = directory.path + "/data"
            let made = try Ended("baridctl", ["init", "--data", data, "--json"])
            #expect(made.status == 0, "\(made)")
            #expect(try Ended("baridctl", ["init", "--data", data]).status == 1)
            let process = try ChildProcess(
                "baridd",
                ["--data", data, "--listen", "tcp://127.0.0.1:*"]
            )
            #expect(process.listen(seconds: 30) { output, _ in output.contains("tcp://") })
            let key = directory.path + "/city.key"
            let keygen = try Ended(
                "barid",
                [
                    "keygen", "--agency", "city", "--server-key", data + "/server.pub", "--out",
                    key,
                    "--json",
                ]
            )
            #expect(keygen.status == 0, "\(keygen)")
            let fingerprint = try #require(try keygen.json["fingerprintArabic"] as? String)
            func add(_ fingerprint: String) throws -> Ended {
                try Ended(
                    "baridctl",
                    [
                        "agency", "add", key + ".request", "--fingerprint", fingerprint, "--reason",
                        "letter", "--data", data,
                    ]
                )
            }
            #expect(try add("12345 67890").status == 65)
            let added = try add(fingerprint)
            #expect(added.status == 0, "\(added)")
            #expect(try add(fingerprint).errors.contains("enrolled already"))
            let explained = try Ended(
                "baridctl",
                ["policy", "explain", "city", "submit", "itinerary", "--data", data]
            )
            #expect(explained.status == 77 && explained.output.hasPrefix("denied"))
            process.signal(SIGTERM)
            #expect(process.ending(seconds: 30) == .exited(0))
        }

        @Test(
            "an agency at its limit of open cases is told when to try again, and can still settle"
        )
        func openCases() async throws {
            let daemon = try daemon()
            let credentials = try daemon.credentials(of: daemon.enrol("city"), named: "city")
            var limits = LimitArguments(agency: "city")
            limits.openCases = 2
            try daemon.change(.agencyLimit, limits)
            let peer = try await connect(daemon, credentials)
            let desk = try await peer.staff("city/desk")
            for _ in 0..<2 { _ = try await peer.submit(Self.submission("city/desk")) }
            let third = await code { () throws(BaridError) in
                _ = try await peer.submit(Self.submission("city/desk"), timeout: .seconds(1))
            }
            #expect(third == .busy || third == .timedOut)
            for try await referral in desk {
                _ = try await referral.complete("unrecorded")
                break
            }
            _ = try await peer.submit(Self.submission("city/desk"))
            limits.openCases = 0
            limits.queuedBytes = 1
            try daemon.change(.agencyLimit, limits)
            let large = await code { () throws(BaridError) in
                _ = try await peer.submit(Self.submission("city/desk"), timeout: .seconds(1))
            }
            #expect(large == .busy || large == .timedOut)
            await peer.close()
        }

        @Test("a socket that demands keys admits no program without one")
        func keyedSocket() async throws {
            let daemon = try DaemonProcess(["--keyed-socket"], isKeyed: true)
            let credentials = try daemon.credentials(of: daemon.enrol("city"), named: "city")
            let bus = try await Bus.connect(
                to: daemon.bus,
                agency: "city",
                name: "tests",
                credentials: credentials
            )
            await bus.close()
            #expect(try !RawPeer(daemon.bus, reconnects: false).isLetIn())
        }
    }
}

extension RawPeer {
    /// A packet that submits a case to an office.
    func submission(office: String) throws -> [UInt8] {
        var envelope = Envelope.Case()
        envelope.procedure = "itinerary"
        envelope.itinerary = [office]
        var header = Header(.submit, number: 9)
        header.flags = Wire.Lane.normal.rawValue
        header.id = Identifier(high: 1, low: UInt64.random(in: 1 ... .max))
        var writer = PacketWriter()
        writer.append(header, envelope: Envelope.bytes(of: envelope))
        return writer.finish { [UInt8]($0) }
    }
}
