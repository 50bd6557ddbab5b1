// SPDX-License-Identifier: Apache-2.0

import ZeroMQ

/// Longest wait for what must happen; reached only by a failing test.
let patienceMilliseconds = 10_000

extension Socket {
    borrowing func send(text: String, more: Bool = false) throws -> SendResult {
        try send(bytes: Array(text.utf8), more: more)
    }

    borrowing func send(bytes: [UInt8], more: Bool = false) throws -> SendResult {
        try bytes.withUnsafeBytes { try send($0, more: more) }
    }

    /// Waits for a whole message and returns its frames; none if it does not come in time.
    borrowing func receiveMessage(within milliseconds: Int = patienceMilliseconds) throws
        -> [[UInt8]]
    {
        var poller = Poller()
        _ = poller.add(self)
        guard try poller.waitForWork(timeoutMilliseconds: milliseconds) == 1 else { return [] }
        let frame = Frame()
        var frames: [[UInt8]] = []
        repeat {
            guard try receive(into: frame) == .message else { return frames }
            frames.append(frame.withBytes { [UInt8]($0) })
        } while frame.hasMore
        return frames
    }
}
