// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// Wakes a thread that waits on descriptors at an instant, to the precision of the system's timers
/// (`timerfd_create(2)`); `poll(2)` alone knows milliseconds only.
package final class AlarmTimer: Sendable {
    private let descriptor: FileDescriptor

    /// A timer that is not set.
    ///
    /// - Throws: `SystemFault` if the limit of open descriptors is reached.
    package init() throws(SystemFault) {
        let number = LinuxCalls.timerfdCreate(CLOCK_MONOTONIC, O_CLOEXEC | O_NONBLOCK)
        guard number >= 0 else { throw .latest("make a timer") }
        descriptor = FileDescriptor(number)
    }

    /// Readable from the instant on until it is set anew.
    package var fileDescriptor: Int32 { descriptor.number }

    /// Sets the instant, in nanoseconds of the monotonic clock; what was set before is void.
    ///
    /// An instant that has passed makes the descriptor readable at once.
    package func set(to instant: Int64) {
        let instant = max(1, instant)
        var time = itimerspec()
        time.it_value.tv_sec = time_t(instant / 1_000_000_000)
        time.it_value.tv_nsec = Int(instant % 1_000_000_000)
        let absolute: Int32 = 1
        let status = LinuxCalls.timerfdSetTime(descriptor.number, absolute, &time, nil)
        // Only a descriptor or a time that is none is refused.
        precondition(status == 0, "the system refused to set a timer")
    }
}
