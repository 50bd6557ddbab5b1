// SPDX-License-Identifier: Apache-2.0

internal import Wire

/// A question by the agency that asks and the key it chose.
struct QuestionKey: Hashable, Sendable {
    let agency: String
    let key: Identifier
}

/// The answers of the last minute, for questions that are repeated with their key.
///
/// Bounded by time, entries and bytes; the oldest go first.
struct AnswerMemory: Sendable {
    /// How long an answer is remembered, in milliseconds.
    static let milliseconds: Int64 = 60_000
    /// Answers remembered at once.
    static let entriesMax = 10_000
    /// Bytes of answers remembered at once.
    static let bytesMax = 16 << 20

    struct Entry: Sendable {
        let question: UInt64
        let fingerprint: Int
        let answer: Answer
        let until: Int64
    }

    private var entries: [QuestionKey: Entry] = [:]
    private var order: [QuestionKey] = []
    private var head = 0
    private(set) var byteCount = 0

    var count: Int { entries.count }

    /// The answer given under a key, if it is not older than a minute.
    mutating func entry(_ key: QuestionKey, at now: Int64) -> Entry? {
        dropOld(at: now)
        return entries[key]
    }

    /// Remembers the answer given under a key that is not remembered.
    mutating func remember(
        _ answer: Answer,
        to question: UInt64,
        fingerprint: Int,
        under key: QuestionKey,
        at now: Int64
    ) {
        dropOld(at: now)
        guard answer.byteCount <= Self.bytesMax, entries[key] == nil else { return }
        while entries.count >= Self.entriesMax || byteCount + answer.byteCount > Self.bytesMax {
            dropFirst()
        }
        entries[key] = Entry(
            question: question,
            fingerprint: fingerprint,
            answer: answer,
            until: now + Self.milliseconds
        )
        order.append(key)
        byteCount += answer.byteCount
    }

    private mutating func dropOld(at now: Int64) {
        while head < order.count, let entry = entries[order[head]], entry.until <= now {
            dropFirst()
        }
    }

    private mutating func dropFirst() {
        guard head < order.count else { return }
        if let entry = entries.removeValue(forKey: order[head]) {
            byteCount -= entry.answer.byteCount
        }
        head += 1
        if head >= 64, head * 2 >= order.count {
            order.removeFirst(head)
            head = 0
        }
    }
}
