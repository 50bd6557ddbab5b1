// SPDX-License-Identifier: Apache-2.0

/// What an operation asks or tells.
///
/// The numbers are those of `Protocols/bus.md` § Verbs.
package enum Verb: UInt8, CaseIterable, Sendable {
    // Asked by a service connection.
    case hello = 1
    case attach = 2
    case credit = 3
    case submit = 4
    case accept = 5
    case complete = 6
    case `return` = 7
    case refer = 8
    case release = 9
    case refuse = 10
    case renew = 11
    case note = 12
    case track = 13
    case bye = 14
    case heartbeat = 15
    case publish = 16
    case subscribe = 17
    case unsubscribe = 18
    case ack = 19
    case ask = 20
    case offer = 21
    case withdraw = 22
    case reply = 23
    case catalogue = 24

    // Told by the daemon.
    case answer = 64
    case refusal = 65
    case delivery = 66
    case step = 67
    case farewell = 68
    case event = 69
    case gap = 70
    case ended = 71
    case question = 72
    case replied = 73

    /// Whether a client may send this verb; the daemon refuses the others.
    ///
    /// Of these only `heartbeat` is also sent by the daemon.
    package var isAskedByClient: Bool { rawValue < 64 }

    /// Whether this verb ends a lease or a custody.
    package var isSettle: Bool {
        switch self {
        case .complete, .return, .refer, .release, .refuse: true
        default: false
        }
    }
}
