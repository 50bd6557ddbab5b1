// SPDX-License-Identifier: Apache-2.0

/// What a number in `subject` is about, told by its size (`Protocols/bus.md` § Topics, sequences and
/// numbers).
package enum Numbering {
    /// Numbers of durable subscriptions begin here; offices are below.
    package static let durableSubscriptions: UInt64 = 1 << 32
    /// Numbers of live subscriptions begin here.
    package static let liveSubscriptions: UInt64 = 1 << 33
    /// Numbers of questions that are not durable begin here; durable ones have a journal position.
    package static let transientQuestions: UInt64 = 1 << 63
}
