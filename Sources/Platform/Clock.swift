// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// The two clocks of the machine.
package enum Clock {
    /// Milliseconds since 1970-01-01 UTC; may jump when the system's time is set.
    package static func wallMilliseconds() -> Int64 {
        milliseconds(read(CLOCK_REALTIME))
    }

    /// Milliseconds since an arbitrary instant before the process began; never goes back.
    package static func monotonicMilliseconds() -> Int64 {
        milliseconds(read(CLOCK_MONOTONIC))
    }

    /// Nanoseconds since the same instant as `monotonicMilliseconds`.
    package static func monotonicNanoseconds() -> Int64 {
        let now = read(CLOCK_MONOTONIC)
        return Int64(now.tv_sec) * 1_000_000_000 + Int64(now.tv_nsec)
    }

    private static func read(_ clock: clockid_t) -> timespec {
        var now = timespec()
        clock_gettime(clock, &now)
        return now
    }

    private static func milliseconds(_ time: timespec) -> Int64 {
        Int64(time.tv_sec) * 1000 + Int64(time.tv_nsec) / 1_000_000
    }
}
