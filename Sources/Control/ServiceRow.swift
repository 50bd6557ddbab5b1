// SPDX-License-Identifier: Apache-2.0

/// What became of the questions to one service since the daemon started, as X-Road's operational
/// monitoring counts them; durable questions are not among them.
package struct ServiceRow: Equatable, Codable, Sendable {
    /// `agency/service`; empty for the questions to services that nobody has offered.
    package var service: String
    /// Questions asked; repetitions of one are counted once.
    package var asked: UInt64 = 0
    /// Questions answered.
    package var answered: UInt64 = 0
    /// Questions refused, by the name of the refusal.
    package var refused: [String: UInt64] = [:]
    /// Questions that were put to a second session.
    package var putAgain: UInt64 = 0
    /// Bytes of envelopes and bodies of questions.
    package var requestBytes: UInt64 = 0
    /// Bytes of envelopes and bodies of answers.
    package var answerBytes: UInt64 = 0
    /// Microseconds from a question's arrival to its answer.
    package var microseconds = Duration()
    /// When the last answer went out.
    package var lastAnsweredAt: Instant?
    /// When the last question was refused.
    package var lastRefusedAt: Instant?

    /// Of the answered questions.
    package struct Duration: Equatable, Codable, Sendable {
        package var p50: Int64 = 0
        package var p99: Int64 = 0
        package var max: Int64 = 0

        /// Nothing answered yet.
        package init() {}
    }

    /// A service of which nothing else is known.
    package init(service: String) { self.service = service }
}

/// Of `notice`.
package struct NoticeArguments: CommandArguments {
    package static let names: Set<String> = ["topic", "text"]
    /// The topic it is told on; not `ledger` or beneath.
    package var topic: String
    /// What is told, at most 4000 bytes.
    package var text: String

    /// A notice.
    package init(topic: String, text: String) {
        self.topic = topic
        self.text = text
    }
}

/// A notice was told.
package struct NoticeTold: Equatable, Codable, Sendable {
    /// Position of the record in the journal.
    package var position: UInt64

    /// Told with this record.
    package init(position: UInt64) { self.position = position }
}
