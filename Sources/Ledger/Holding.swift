// SPDX-License-Identifier: Apache-2.0

internal import Rules
internal import SQLite
internal import Wire

/// Holding sessions whose network is slower than the ledger: see `UnderWay`.
extension LedgerWriter {
    /// Counts what was handed out to a session, and holds it if that is too much.
    @inline(__always)
    func hand(_ bytes: Int, to record: SessionRecord?, _ session: UInt32) {
        guard let record, record.underWay.hand(bytes) else { return }
        setHeld(true, record, session)
    }

    /// Counts the events among the effects from a mark on.
    func handEvents(of effects: Effects, from mark: Int) {
        for effect in effects.items[mark...] where effect.header.verb == .event {
            let bytes = effect.envelope.count + effect.body.count
            hand(bytes, to: sessions[effect.session], effect.session)
        }
    }

    /// Takes in what has passed the courier.
    func pass(_ bytes: UInt64, of session: UInt32) {
        guard let record = sessions[session], record.underWay.pass(bytes) else { return }
        setHeld(false, record, session)
        for office in record.offices { markBusy(office) }
        for subscription in record.subscriptions { events.wake(subscription) }
    }

    private func setHeld(_ isHeld: Bool, _ record: SessionRecord, _ session: UInt32) {
        for office in record.offices { desks[Int(office)].setHeld(isHeld, session) }
        for subscription in record.subscriptions {
            events.subscriptions.change(subscription) { $0.queue.setHeld(isHeld, session) }
        }
    }
}
