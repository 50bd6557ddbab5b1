// SPDX-License-Identifier: Apache-2.0

import Rules
package import Wire

/// One operation on its way.
package struct Parcel {
    package var header: Header
    package var session: UInt32
    package var envelope: [UInt8] = []
    package var body: [UInt8] = []
    /// The request it is of, in the log; nil for the session's own verbs.
    package var ask: Int?

    package init(
        header: Header,
        session: UInt32,
        envelope: [UInt8] = [],
        body: [UInt8] = [],
        ask: Int? = nil
    ) {
        self.header = header
        self.session = session
        self.envelope = envelope
        self.body = body
        self.ask = ask
    }
}

/// A referral as it was handed to a client.
package struct HeldReferral {
    package var referral: UInt64
    package var generation: UInt64
    package var serial: UInt64
    package var step: Envelope.Step

    package init(referral: UInt64, generation: UInt64, serial: UInt64, step: Envelope.Step) {
        self.referral = referral
        self.generation = generation
        self.serial = serial
        self.step = step
    }
}

/// A backend of an agency: what it knows, and what is on its way to and from it.
package final class SimulatedClient {
    package let agency: String
    package let offices: [String]
    /// Its session; nil while it has none.
    package var session: UInt32?
    /// Whether its packets get through.
    package var isReachable = true
    package var up: [Parcel] = []
    package var down: [Parcel] = []
    package var officeNumbers: [String: UInt64] = [:]
    package var steps: [UInt32: Envelope.Step] = [:]
    package var held: [HeldReferral] = []
    package var past: [HeldReferral] = []
    package var custody: [HeldReferral] = []
    /// Requests without a final answer, by the number they were last sent under.
    package var open: [UInt32: Parcel] = [:]
    /// Deliveries it reckons it may still get, by office.
    package var credit: [String: Int] = [:]
    private var numbers: UInt32 = 0

    package init(agency: String, offices: [String]) {
        self.agency = agency
        self.offices = offices
    }

    /// Sends an operation under a new request number.
    package func send(_ parcel: Parcel) {
        guard let session else { return }
        numbers += 1
        var parcel = parcel
        parcel.session = session
        parcel.header.number = numbers
        parcel.header.envelopeLength = UInt32(parcel.envelope.count)
        parcel.header.bodyLength = UInt32(parcel.body.count)
        if parcel.header.verb != .credit { open[numbers] = parcel }
        up.append(parcel)
    }

    /// Opens a session, attaches the offices, and asks again what was not answered.
    package func connect(_ session: UInt32) {
        self.session = session
        isReachable = true
        let unanswered = open.sorted { $0.key < $1.key }.map(\.value).filter { $0.ask != nil }
        open.removeAll()
        up.removeAll()
        down.removeAll()
        steps.removeAll()
        held.removeAll()
        credit.removeAll()
        var hello = Envelope.Hello()
        hello.levelMin = UInt32(Limits.level)
        hello.levelMax = UInt32(Limits.level)
        hello.agency = agency
        send(Parcel(header: Header(.hello), session: session, envelope: Envelope.bytes(of: hello)))
        for office in offices {
            var attach = Envelope.Attach()
            attach.office = office
            send(
                Parcel(
                    header: Header(.attach),
                    session: session,
                    envelope: Envelope.bytes(of: attach)
                )
            )
        }
        for parcel in unanswered { send(parcel) }
    }

    /// Asks again what was not answered.
    package func resend() {
        let unanswered = open.sorted { $0.key < $1.key }.map(\.value)
        open.removeAll()
        for parcel in unanswered { send(parcel) }
    }

    /// Grants credit for every office that has less than `limit` left.
    package func grant(_ messages: Int, below limit: Int = .max) {
        for office in offices where credit[office, default: 0] < limit {
            guard let number = officeNumbers[office] else { continue }
            var header = Header(.credit)
            header.subject = number
            header.generation = UInt64(messages)
            header.serial = UInt64(messages) * 4_096
            send(Parcel(header: header, session: 0))
            credit[office, default: 0] += messages
        }
    }

    /// Forgets a referral it has asked to settle.
    package func leave(_ held: HeldReferral) {
        self.held.removeAll { $0.referral == held.referral && $0.generation == held.generation }
        past.append(held)
        if past.count > 60 { past.removeFirst(30) }
    }
}
