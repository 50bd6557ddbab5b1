// SPDX-License-Identifier: Apache-2.0

internal import Control
internal import Ledger
internal import Logs
internal import Platform
internal import Rules
internal import Synchronization

/// Watches what runs out or goes wrong beside the daemon: the disk, the clock, the memory.
///
/// The ledger itself refuses what the disk has no room for; here it is noticed, logged once at each
/// change, and told to operators and metrics.
final class Guards: Sendable {
    /// How things stand.
    struct Report: Equatable, Sendable {
        var stage = DiskStage.plenty
        var marks = DiskMarks(warn: 0, reserve: 0, stop: 0)
        var clockJumps: UInt64 = 0
        /// When the clock last jumped, on the monotonic clock in ms.
        var lastJump: Int64?
        var isMemoryHigh = false
        var memoryWarn: Int64 = 0

        /// What an operator should look at, by names that stay.
        func alarms(monotonic: Int64) -> [String] {
            var alarms: [String] = []
            switch stage {
            case .plenty: break
            case .warning: alarms.append("diskWarn")
            case .refusing: alarms.append("diskReserve")
            case .settling: alarms.append("diskStop")
            }
            if let lastJump, monotonic - lastJump < Guards.jumpToldMilliseconds {
                alarms.append("clockJumped")
            }
            if isMemoryHigh { alarms.append("memoryHigh") }
            return alarms
        }
    }

    /// How long a jump of the clock is told as an alarm, in milliseconds: an hour.
    private static let jumpToldMilliseconds: Int64 = 3_600_000
    /// Share of the mark that memory must fall below before it counts as low again.
    private static let calmShare = 0.9

    private struct State {
        var report = Report()
        var clock = ClockWatch()
    }

    private let directory: String
    private let log: DaemonLog
    private let state = Mutex(State())

    /// Guards over a data directory.
    init(directory: String, log: DaemonLog) {
        self.directory = directory
        self.log = log
    }

    /// As of the last look.
    var report: Report { state.withLock { $0.report } }

    /// What an operator should look at now; nil if nothing.
    var alarms: [String]? {
        let alarms = report.alarms(monotonic: Clock.monotonicMilliseconds())
        return alarms.isEmpty ? nil : alarms
    }

    /// Looks; to be called once a second.
    func look(_ configuration: DaemonConfiguration) {
        state.withLock { state in
            lookAtDisk(configuration, &state.report)
            lookAtClock(configuration, &state)
            lookAtMemory(configuration, &state.report)
        }
    }

    private func lookAtDisk(_ configuration: DaemonConfiguration, _ report: inout Report) {
        report.marks = configuration.diskMarks
        guard let free = try? DiskSpace.freeBytes(directory) else { return }
        let stage = report.marks.stage(free: free)
        guard stage != report.stage else { return }
        let message: LogMessage =
            switch stage {
            case .plenty: .diskEnough
            case .warning: .diskWarn
            case .refusing: .diskReserve
            case .settling: .diskStop
            }
        log.say(message, [.free: String(free), .stage: String(stage.rawValue)])
        report.stage = stage
    }

    private func lookAtClock(_ configuration: DaemonConfiguration, _ state: inout State) {
        let monotonic = Clock.monotonicMilliseconds()
        let jump = state.clock.look(
            wall: Clock.wallMilliseconds(),
            monotonic: monotonic,
            least: configuration.clockJumpMilliseconds
        )
        guard let jump else { return }
        state.report.clockJumps += 1
        state.report.lastJump = monotonic
        log.say(.clockJumped, [.milliseconds: String(jump)])
    }

    private func lookAtMemory(_ configuration: DaemonConfiguration, _ report: inout Report) {
        report.memoryWarn = configuration.memoryWarnBytes
        let resident = Int64(ProcessFigures.residentBytes)
        let mark = Double(configuration.memoryWarnBytes)
        let isHigh = Double(resident) > mark * (report.isMemoryHigh ? Self.calmShare : 1)
        guard isHigh != report.isMemoryHigh else { return }
        report.isMemoryHigh = isHigh
        log.say(isHigh ? .memoryHigh : .memoryNormal, [.resident: String(resident)])
    }
}
