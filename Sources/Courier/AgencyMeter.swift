// SPDX-License-Identifier: Apache-2.0

internal import Rules
internal import Wire

/// How much an agency has and does, against its quota; shared by its sessions.
///
/// A class because every session of the agency means the same one; confined to the bus thread.
final class AgencyMeter {
    /// The limits; replaced when the policy changes.
    var quota: Quota
    /// Sessions open.
    var sessions = 0
    /// Live subscriptions of all sessions.
    var subscriptions = 0
    /// Questions of all sessions that are not durable and not answered yet.
    var questions = 0
    private var operations: RateLimit
    private var bytes: RateLimit

    init(_ quota: Quota, now: Int64) {
        self.quota = quota
        operations = RateLimit(perSecond: UInt64(quota.operations), now: now)
        bytes = RateLimit(perSecond: quota.bytes, now: now)
    }

    /// Whether one session more may be opened.
    var hasRoom: Bool { quota.sessions == 0 || sessions < Int(quota.sessions) }

    /// Whether one live subscription more may be made.
    var hasRoomForSubscription: Bool {
        quota.subscriptions == 0 || subscriptions < Int(quota.subscriptions)
    }

    /// Whether one question more may be asked.
    var hasRoomForQuestion: Bool { quota.questions == 0 || questions < Int(quota.questions) }

    /// Counts a packet; what it holds has to be read all the same.
    func charge(bytes count: Int, now: Int64) {
        bytes.charge(UInt64(count), perSecond: quota.bytes, now: now)
    }

    /// Milliseconds until an operation may be asked again; nil if it may be done now.
    ///
    /// What settles or lightens the load is neither counted nor held up.
    func pause(before verb: Verb, now: Int64) -> Int64? {
        guard verb.canWait else { return nil }
        if !operations.take(1, perSecond: UInt64(quota.operations), now: now) {
            return operations.pauseMilliseconds(perSecond: UInt64(quota.operations))
        }
        let pause = bytes.pauseMilliseconds(perSecond: quota.bytes)
        return pause > 1 ? pause : nil
    }
}

extension Verb {
    /// Whether it begins something, so that it can wait when there is too much.
    fileprivate var canWait: Bool {
        switch self {
        case .attach, .submit, .note, .track, .publish, .subscribe, .ask, .offer, .catalogue: true
        default: false
        }
    }
}
