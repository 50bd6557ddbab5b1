// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// A wake-up for a thread that waits on descriptors (`eventfd(2)`).
///
/// Many signals before one `drain` are one wake-up. Put the news where the woken thread will
/// look *before* signalling, and there `drain` *before* looking: then no news is missed, because
/// a signal after the drain makes the descriptor readable again, and one before it was preceded
/// by its news. May be used from any thread.
package final class EventSignal: Sendable {
    private let descriptor: FileDescriptor

    /// A signal not yet given.
    ///
    /// - Throws: `SystemFault` if the limit of open descriptors is reached.
    package init() throws(SystemFault) {
        let number = LinuxCalls.eventfd(0, O_CLOEXEC | O_NONBLOCK)
        guard number >= 0 else { throw .latest("make an event descriptor") }
        descriptor = FileDescriptor(number)
    }

    /// Readable from `signal` until `drain`.
    package var fileDescriptor: Int32 { descriptor.number }

    /// Wakes the thread that waits.
    package func signal() {
        var one: UInt64 = 1
        // EAGAIN would mean 2⁶⁴-2 signals are pending: the descriptor is readable all the same.
        _ = uninterrupted { write(descriptor.number, &one, MemoryLayout<UInt64>.size) }
    }

    /// Takes back the signals given so far; never blocks.
    package func drain() {
        var count: UInt64 = 0
        _ = uninterrupted { read(descriptor.number, &count, MemoryLayout<UInt64>.size) }
    }
}
