// SPDX-License-Identifier: Apache-2.0

internal import BaridClient

/// Where deliveries meet the cases that wait for them.
///
/// A delivery may come before its case has asked (a case left over from an earlier run), so it is
/// kept, and its lease renewed, until somebody asks; a case may ask before its delivery comes.
actor ReplayCounter {
    private var kept: [UInt64: [Referral]] = [:]
    private var waiters: [UInt64: (since: Int, waiter: CheckedContinuation<Referral?, Never>)] =
        [:]
    private var round = 0
    private var isEnded = false

    /// Deliveries nobody has asked for.
    var keptCount: Int { kept.count }

    func put(_ referral: Referral) {
        if let waiting = waiters.removeValue(forKey: referral.serial) {
            waiting.waiter.resume(returning: referral)
        } else {
            kept[referral.serial, default: []].append(referral)
        }
    }

    /// The next delivery of a case; nil when it is time to look at the trail instead.
    func next(of serial: UInt64) async -> Referral? {
        if var referrals = kept.removeValue(forKey: serial) {
            let referral = referrals.removeFirst()
            if !referrals.isEmpty { kept[serial] = referrals }
            return referral
        }
        guard !isEnded else { return nil }
        return await withCheckedContinuation { waiters[serial] = (round, $0) }
    }

    /// Renews what is kept, and sends those who waited two rounds to look at their trail.
    func turn() async {
        round += 1
        for (serial, waiting) in waiters where round - waiting.since >= 2 {
            waiters[serial] = nil
            waiting.waiter.resume(returning: nil)
        }
        for (serial, referrals) in kept {
            var good: [Referral] = []
            for referral in referrals {
                do throws(BaridError) {
                    try await referral.renew()
                    good.append(referral)
                } catch {
                    guard error.code == .stale || error.code == .unknownReferral else {
                        good.append(referral)
                        continue
                    }
                }
            }
            // Others may have come or been taken while we waited for the bus.
            guard var now = kept[serial] else { continue }
            now.removeAll { referral in
                referrals.contains { $0.isSame(as: referral) }
                    && !good.contains { $0.isSame(as: referral) }
            }
            kept[serial] = now.isEmpty ? nil : now
        }
    }

    /// Wakes everybody who waits, for good.
    func end() {
        isEnded = true
        for waiting in waiters.values { waiting.waiter.resume(returning: nil) }
        waiters.removeAll()
    }
}
