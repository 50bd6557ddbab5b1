// SPDX-License-Identifier: Apache-2.0

import Rules
import Testing
import Wire

/// Goal: a live reader gets what its credit and its road allow, and learns exactly what it missed.
///
/// Method: tables of policy × state.
@Suite("Readers of live events")
struct LiveReaderTests {
    private typealias Slow = LiveReader.Slow
    private typealias Verdict = LiveReader.Verdict

    @Test("with credit and a free road every policy is told")
    func told() throws {
        for slow in [Slow.gap, .latest, .evict] {
            var reader = LiveReader(slow: slow)
            try reader.grant(messages: 2, bytes: 10)
            #expect(reader.judge(event: 1) == .tell)
            // The last may overdraw the bytes.
            #expect(reader.judge(event: 100) == .tell)
            #expect(!reader.hasCredit)
            #expect(reader.judge(event: 1) != .tell)
        }
    }

    @Test("without credit, on a congested road and behind kept events the policy decides")
    func slow() throws {
        let table: [(Slow, Verdict)] = [(.gap, .leaveOut), (.latest, .keep), (.evict, .evict)]
        for (slow, verdict) in table {
            var reader = LiveReader(slow: slow)
            try reader.grant(messages: 1, bytes: 10)
            #expect(reader.judge(isRoadFree: false) == verdict)
            #expect(reader.judge(isKeeping: true) == verdict)
            #expect(reader.hasCredit, "what is not told costs nothing")
            #expect(reader.judge(event: 1) == .tell)
            #expect(reader.judge(event: 1) == verdict)
        }
    }

    @Test("before its first credit no reader counts as too slow")
    func beforeCredit() throws {
        var reader = LiveReader(slow: .evict)
        #expect(reader.judge(event: 1) == .leaveOut)
        try reader.grant(messages: 1, bytes: 1)
        #expect(reader.takeGap()?.count == 1)
        #expect(reader.judge(event: 1) == .tell)
        #expect(reader.judge(event: 1) == .evict)
    }

    @Test("a gap says how many were left out, with their first and last sequence, and once")
    func gap() {
        var reader = LiveReader(slow: .gap)
        for sequence in [0, 5, 0, 9] as [UInt64] { _ = reader.judge(sequence: sequence) }
        let gap = reader.takeGap()
        #expect(gap?.count == 4 && gap?.first == 5 && gap?.last == 9)
        #expect(reader.takeGap() == nil)
    }

    @Test("credit beyond the limits is refused and adds nothing")
    func credit() throws {
        var reader = LiveReader(slow: .gap)
        try reader.grant(messages: Limits.creditMessagesMax, bytes: 1)
        for (messages, bytes) in [
            (1, 1), (.max, 0), (0, .max), (0, Limits.creditBytesMax),
        ] as [(UInt64, UInt64)] {
            #expect(throws: RefusalCode.creditTooLarge) {
                try reader.grant(messages: messages, bytes: bytes)
            }
        }
        try reader.grant(messages: 0, bytes: Limits.creditBytesMax - 1)
    }
}

extension LiveReader {
    fileprivate mutating func judge(
        event cost: Int = 1,
        sequence: UInt64 = 0,
        isRoadFree: Bool = true,
        isKeeping: Bool = false
    ) -> Verdict {
        judge(cost: cost, sequence: sequence, isRoadFree: isRoadFree, isKeeping: isKeeping)
    }
}
