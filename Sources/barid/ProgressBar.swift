// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Synchronization

/// One line on the terminal that says how far the work is; silent where nobody looks.
final class ProgressBar: Sendable {
    private let total: Int
    private let isShown = Outlet.error.isTerminal
    private let start = ContinuousClock.now
    private let last = Mutex(ContinuousClock.now)
    private static let barColumnsMax = 40

    init(total: Int) { self.total = total }

    /// Redraws the line, at most ten times a second.
    func show(_ done: Int, _ visits: Int) {
        guard isShown else { return }
        let now = ContinuousClock.now
        let isDue = last.withLock { last in
            guard now - last >= .milliseconds(100) || done == total else { return false }
            last = now
            return true
        }
        guard isDue else { return }
        let line = Self.line(
            done: done,
            total: total,
            visits: visits,
            seconds: (now - start) / .seconds(1),
            columns: Self.terminalColumns()
        )
        writeText("\r\(line)\u{1B}[K", to: .error)
    }

    /// Takes the line away.
    func clear() {
        if isShown { writeText("\r\u{1B}[K", to: .error) }
    }

    /// The line in less than `columns` columns: a bar as wide as there is room, then the figures.
    static func line(done: Int, total: Int, visits: Int, seconds: Double, columns: Int) -> String {
        let rate = Int(Double(visits) / max(0.001, seconds))
        let percent = total > 0 ? done * 100 / total : 100
        let figures = "\(percent) % \(done)/\(total) cases \(rate) visits/s"
        // The last column stays free: a terminal that wraps there would not come back.
        let room = columns - 1 - figures.count - 1
        guard room >= 8 else { return String(figures.prefix(max(0, columns - 1))) }
        let width = min(room, barColumnsMax)
        let filled = total > 0 ? done * width / total : width
        return String(repeating: "█", count: filled)
            + String(repeating: "░", count: width - filled) + " " + figures
    }

    private static func terminalColumns() -> Int {
        var size = winsize()
        guard ioctl(Outlet.error.rawValue, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else {
            return 80
        }
        return Int(size.ws_col)
    }
}
