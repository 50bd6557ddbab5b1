// SPDX-License-Identifier: Apache-2.0

internal import Synchronization

/// One line on the terminal that says what a bench is doing; silent where nobody looks.
final class BenchProgress: Sendable {
    private struct Last {
        var at = ContinuousClock.now
        var count: UInt64 = 0
    }

    private let isShown = Outlet.error.isTerminal
    private let last = Mutex(Last())

    /// Redraws the line, at most twice a second.
    ///
    /// - Parameters:
    ///   - text: What was done so far.
    ///   - count: The same as a number, for the rate since the line was drawn last.
    ///   - done: The part of the time that is over, 0...1.
    func show(_ text: @autoclosure () -> String, _ count: UInt64, done: Double) {
        guard isShown else { return }
        let now = ContinuousClock.now
        let rate = last.withLock { last -> Double? in
            let span = (now - last.at) / .seconds(1)
            guard span >= 0.5 else { return nil }
            defer { last = Last(at: now, count: count) }
            return Double(count - min(count, last.count)) / span
        }
        guard let rate else { return }
        let percent = Int(min(1, max(0, done)) * 100)
        writeText("\r\(percent) %  \(text()), \(Int(rate)) a second\u{1B}[K", to: .error)
    }

    /// Another count begins.
    func restart() { last.withLock { $0 = Last() } }

    /// Takes the line away.
    func clear() { if isShown { writeText("\r\u{1B}[K", to: .error) } }
}
