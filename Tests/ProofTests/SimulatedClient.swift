// SPDX-License-Identifier: Apache-2.0

import Rules
import Wire

/// One operation on its way.
struct Parcel {
    var header: Header
    var session: UInt32
    var envelope: [UInt8] = []
    var body: [UInt8] = []
    /// The request it is of, in the log; nil for the session's own verbs.
    var ask: Int?
}

/// A referral as it was handed to a client.
struct HeldReferral {
    var referral: UInt64
    var generation: UInt64
    var serial: UInt64
    var step: Envelope.Step
}

/// A backend of an agency: what it knows, and what is on its way to and from it.
final class SimulatedClient {
    let agency: String
    let offices: [String]
    /// Its session; nil while it has none.
    var session: UInt32?
    /// Whether its packets get through.
    var isReachable = true
    var up: [Parcel] = []
    var down: [Parcel] = []
    var officeNumbers: [String: UInt64] = [:]
    var steps: [UInt32: Envelope.Step] = [:]
    var held: [HeldReferral] = []
    var past: [HeldReferral] = []
    var custody: [HeldReferral] = []
    /// Requests without a final answer, by the number they were last sent under.
    var open: [UInt32: Parcel] = [:]
    /// Deliveries it reckons it may still get, by office.
    var credit: [String: Int] = [:]
    private var numbers: UInt32 = 0

    init(agency: String, offices: [String]) {
        self.agency = agency
        self.offices = offices
    }

    /// Sends an operation under a new request number.
    func send(_ parcel: Parcel) {
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
    func connect(_ session: UInt32) {
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
    func resend() {
        let unanswered = open.sorted { $0.key < $1.key }.map(\.value)
        open.removeAll()
        for parcel in unanswered { send(parcel) }
    }

    /// Grants credit for every office that has less than `limit` left.
    func grant(_ messages: Int, below limit: Int = .max) {
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
    func leave(_ held: HeldReferral) {
        self.held.removeAll { $0.referral == held.referral && $0.generation == held.generation }
        past.append(held)
        if past.count > 60 { past.removeFirst(30) }
    }
}
