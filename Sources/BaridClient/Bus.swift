// SPDX-License-Identifier: Apache-2.0

internal import Platform
internal import Wire

/// A connection of a department's program to the bus.
///
/// ```swift
/// let bus = try await Bus.connect(
///     to: "ipc:///run/barid/bus.sock", agency: "city", name: "permits-backend/2.1")
/// let receipt = try await bus.submit(submission)
/// ```
/// A daemon that restarts is survived: the session is opened again, offices are staffed, topics
/// subscribed and services offered again, and every unanswered request is repeated with the same key
/// or lease, so callers only wait longer.
/// At most as many requests as the bus allows are on the wire; further callers wait their turn.
///
/// A cancelled task stops waiting at once with an error whose `isCancelled` is true; the request
/// may be done all the same, so repeat it with the same key or look at the trail.
public final class Bus: Sendable {
    /// The daemon's name and version, as it introduced itself.
    public let daemon: String
    /// The agency this connection acts for.
    public let agency: String

    let loop: BusLoop

    /// Connects and opens a session.
    ///
    /// - Parameters:
    ///   - endpoint: Such as `ipc:///run/barid/bus.sock` or `tcp://127.0.0.1:7070`.
    ///   - agency: The agency the program acts for.
    ///   - name: Name of the program, shown to operators.
    ///   - credentials: The agency's key; needed for every bus reached over TCP.
    ///   - timeout: How long to wait for the bus to open the session.
    ///   - settleTimeout: How long settle verbs wait for their answer, restarts included.
    /// - Returns: An open connection; end it with `close`.
    /// - Throws: `notConnected` if the bus did not answer in time, `notAdmitted` at once if it does
    ///   not admit the key, or its refusal.
    public static func connect(
        to endpoint: String,
        agency: String,
        name: String,
        credentials: Credentials? = nil,
        timeout: Duration = .seconds(10),
        settleTimeout: Duration = .seconds(30)
    ) async throws(BaridError) -> Bus {
        guard Name.isLegal(agency) else { throw .client(.nameInvalid) }
        let loop: BusLoop
        do throws(SystemFault) {
            loop = try BusLoop(timeoutMilliseconds: settleTimeout.milliseconds)
        } catch {
            throw .faulty("The client \(error).")
        }
        let options = BusOptions(
            endpoint: endpoint,
            agency: agency,
            name: name,
            credentials: credentials,
            openingMilliseconds: timeout.milliseconds
        )
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { waiter in
                loop.open(waiter, options)
                if Task.isCancelled { loop.post(.close) }
            }
        } onCancel: {
            loop.post(.close)
        }
        switch result {
        case .success(let reply): return Bus(loop: loop, agency: agency, welcome: reply)
        case .failure(let error):
            loop.post(.close)
            loop.join()
            throw error
        }
    }

    private init(loop: BusLoop, agency: String, welcome: Reply) {
        self.loop = loop
        self.agency = agency
        let told = welcome.envelope.withUnsafeBytes { bytes in
            try? Envelope.read(Envelope.Welcome.self, from: bytes)
        }
        daemon = told?.daemon ?? ""
    }

    deinit {
        loop.post(.close)
        loop.join()
    }

    /// Sends a case on its way, and returns once it is durable.
    ///
    /// While the bus is busy or stopping, the submission is repeated until the time is over.
    ///
    /// - Parameters:
    ///   - submission: Keep its key to repeat it safely after a failure.
    ///   - timeout: How long to wait, restarts and repetitions included.
    /// - Returns: Proof that the case is durable.
    /// - Throws: A refusal, or `timedOut` or `notConnected`, after which it may have been stored:
    ///   repeat it with the same key.
    public func submit(
        _ submission: Submission,
        timeout: Duration = .seconds(30)
    ) async throws(BaridError) -> Receipt {
        let request = try submission.request(timeoutMilliseconds: timeout.milliseconds)
        return Receipt(try await loop.ask(request).header)
    }

    /// Staffs an office and returns its referrals.
    ///
    /// - Parameters:
    ///   - office: `agency/office`.
    ///   - title: Shown to people; kept when the office is first opened.
    ///   - credit: Referrals that may be under way or unread at once, to 10 000. With 0 none come:
    ///     enough to settle what the office holds in custody.
    /// - Returns: The referrals as they come.
    /// - Throws: `otherAgency`, or another refusal of the bus.
    public func staff(
        _ office: String,
        title: String = "",
        credit: Int = 100
    ) async throws(BaridError) -> Referrals {
        let ticket = loop.nextTicket()
        let desk = Desk(number: Int(truncatingIfNeeded: ticket), office: office)
        _ = try await loop.wait(for: ticket) {
            .staff(desk, title: title, credit: credit, ticket: ticket, $0)
        }
        return Referrals(desk: desk, loop: loop)
    }

    /// Looks up the trail of a case by its number.
    ///
    /// - Throws: `unknownCase` if the number is malformed or no case has it.
    public func track(_ caseNumber: String) async throws(BaridError) -> Trail {
        guard let number = CaseNumber(text: caseNumber) else { throw .client(.unknownCase) }
        return try await track(serial: number.serial)
    }

    /// Looks up the trail of a case by its place in the ledger.
    public func track(serial: UInt64) async throws(BaridError) -> Trail {
        var header = Header(.track)
        header.serial = serial
        return try await track(header)
    }

    /// Looks up the trail of a case by its id, a UUID as text.
    public func track(caseID: String) async throws(BaridError) -> Trail {
        guard let id = Identifier(text: caseID), id != .none else { throw .client(.unknownCase) }
        var header = Header(.track)
        header.id = id
        return try await track(header)
    }

    /// A referral held in custody by an office this connection staffs.
    ///
    /// - Parameters:
    ///   - place: Where the trail says the case is; its state is `custody`.
    ///   - trail: The trail of the case.
    /// - Returns: The verbs that settle it.
    /// - Throws: `unknownCase` if the trail's number is malformed.
    public func custody(
        of place: Trail.Place,
        in trail: Trail
    ) throws(BaridError) -> Custody {
        guard let number = CaseNumber(text: trail.caseNumber) else { throw .client(.unknownCase) }
        return Custody(
            number: place.referral,
            serial: number.serial,
            outcomes: place.outcomes,
            loop: loop
        )
    }

    /// Says goodbye and ends; iterations end, unanswered requests fail with `closed`.
    ///
    /// Referrals not settled go back to their queues. Takes at most about two seconds.
    public func close() async {
        loop.post(.close)
        await loop.waitForEnd()
        loop.join()
    }

    private func track(_ header: Header) async throws(BaridError) -> Trail {
        let reply = try await loop.ask(
            Request(header: header, timeoutMilliseconds: loop.timeoutMilliseconds)
        )
        let trail = reply.envelope.withUnsafeBytes { bytes in
            try? Envelope.read(Envelope.Trail.self, from: bytes)
        }
        guard let trail else { throw .client(.envelopeInvalid) }
        return Trail(trail)
    }
}
