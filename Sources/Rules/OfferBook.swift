// SPDX-License-Identifier: Apache-2.0

/// Who answers which service, and how many questions each has open.
struct OfferBook: Sendable {
    private struct Offer {
        let session: UInt32
        var number: UInt64
        var questionsMax: UInt64
        var openCount: UInt64 = 0
        /// When it was last given a question, counted in questions.
        var lastTurn: UInt64 = 0
    }

    /// What became of the search for somebody to answer.
    enum Choice: Equatable {
        case session(UInt32)
        /// Somebody offers the service, and all have as many questions as they take.
        case allBusy
        case nobody
    }

    private var byService: [String: [Offer]] = [:]
    private var servicesOfSession: [UInt32: Set<String>] = [:]
    private var turn: UInt64 = 0

    /// Sessions that offer something.
    var sessionCount: Int { servicesOfSession.count }

    /// Services a session offers.
    func count(of session: UInt32) -> Int { servicesOfSession[session]?.count ?? 0 }

    func isOffered(_ service: String) -> Bool { byService[service] != nil }

    /// Adds an offer, or changes the number of questions of one.
    mutating func offer(_ service: String, by session: UInt32, number: UInt64, questionsMax: UInt64)
    {
        servicesOfSession[session, default: []].insert(service)
        var offers = byService[service] ?? []
        if let place = offers.firstIndex(where: { $0.session == session }) {
            offers[place].number = number
            offers[place].questionsMax = questionsMax
        } else {
            offers.append(Offer(session: session, number: number, questionsMax: questionsMax))
        }
        byService[service] = offers
    }

    /// Removes the offer of a session with this number.
    mutating func withdraw(number: UInt64, by session: UInt32) {
        let services = servicesOfSession[session] ?? []
        let service = services.first { service in
            byService[service]?.contains { $0.session == session && $0.number == number } == true
        }
        if let service { remove(service, of: session) }
    }

    /// Removes all offers of a session.
    mutating func removeAll(of session: UInt32) {
        for service in servicesOfSession[session] ?? [] { remove(service, of: session) }
    }

    /// Finds the session with the fewest questions open that takes another, and counts one more.
    ///
    /// Among equals it is the one whose last question lies furthest back. The sessions `others` are
    /// passed over; `openCount` tells how many questions a session has open in all.
    mutating func choose(
        _ service: String,
        except others: [UInt32],
        openCount: (UInt32) -> Int
    ) -> Choice {
        guard let offers = byService[service] else { return .nobody }
        var best: (place: Int, open: Int)?
        var isOffered = false
        for (place, offer) in offers.enumerated() where !others.contains(offer.session) {
            isOffered = true
            guard offer.openCount < offer.questionsMax else { continue }
            let open = openCount(offer.session)
            if let found = best,
                (found.open, offers[found.place].lastTurn) <= (open, offer.lastTurn)
            {
                continue
            }
            best = (place, open)
        }
        guard let best else { return isOffered ? .allBusy : .nobody }
        turn += 1
        byService[service]?[best.place].openCount += 1
        byService[service]?[best.place].lastTurn = turn
        return .session(offers[best.place].session)
    }

    /// Notes that a question of a service is no longer a session's to answer.
    mutating func release(_ service: String, of session: UInt32) {
        guard let place = byService[service]?.firstIndex(where: { $0.session == session }),
            let offer = byService[service]?[place], offer.openCount > 0
        else { return }
        byService[service]?[place].openCount -= 1
    }

    private mutating func remove(_ service: String, of session: UInt32) {
        byService[service]?.removeAll { $0.session == session }
        if byService[service]?.isEmpty == true { byService[service] = nil }
        servicesOfSession[session]?.remove(service)
        if servicesOfSession[session]?.isEmpty == true { servicesOfSession[session] = nil }
    }
}
