// SPDX-License-Identifier: Apache-2.0

/// The referrals of one staffed office, as they come.
///
/// ```swift
/// for try await referral in try await bus.staff("city/permits") {
///     try await referral.complete("approved")
/// }
/// ```
/// The bus keeps at most the credit given to `staff` under way or unread here, so a program that
/// stops reading is sent nothing more. A referral counts until its iteration asks for the next one:
/// with a credit of 1 no lease runs while another referral is worked on. Iteration ends when the connection is closed or the task is
/// cancelled, and throws when the office can no longer be staffed. Several tasks may iterate at
/// once: each referral goes to one of them.
public struct Referrals: AsyncSequence, Sendable {
    /// A delivered case.
    public typealias Element = Referral

    /// The office these are for.
    public var office: String { desk.office }

    let desk: Desk
    let loop: BusLoop

    /// An iteration of its own over the same referrals.
    public func makeAsyncIterator() -> Iterator { Iterator(desk: desk, loop: loop) }

    /// Waits for one referral after the other.
    public struct Iterator: AsyncIteratorProtocol {
        private let desk: Desk
        private let loop: BusLoop
        private let hand: Hand

        init(desk: Desk, loop: BusLoop) {
            self.desk = desk
            self.loop = loop
            hand = Hand(key: desk.number, loop: loop)
        }

        /// The next referral, or nil at the end.
        public mutating func next() async throws(BaridError) -> Referral? {
            try await next(isolation: nil)
        }

        /// The next referral, or nil at the end.
        public mutating func next(
            isolation actor: isolated (any Actor)?
        ) async throws(BaridError) -> Referral? {
            hand.empty()
            guard let delivery = try await desk.tray.next() else { return nil }
            hand.take(session: delivery.session, bytes: delivery.creditBytes)
            return Referral(delivery: delivery, loop: loop)
        }
    }
}
