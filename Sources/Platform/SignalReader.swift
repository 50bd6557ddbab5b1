// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// Signals of the process read from a descriptor instead of a handler (`signalfd(2)`).
package struct SignalReader: ~Copyable {
    private let descriptor: FileDescriptor

    /// Size of the kernel's `signalfd_siginfo`, whose first four bytes are the signal's number.
    private static let recordBytes = 128

    /// Blocks `signals` for this thread and those it starts, and reads them from now on.
    ///
    /// Make it on the main thread before any other is started; a thread that does not block
    /// a signal would die of it. They stay blocked for the life of the process.
    ///
    /// - Throws: `SystemFault` if the limit of open descriptors is reached.
    package init(_ signals: [Int32]) throws(SystemFault) {
        var mask = sigset_t()
        sigemptyset(&mask)
        for signal in signals { sigaddset(&mask, signal) }
        let status = pthread_sigmask(SIG_BLOCK, &mask, nil)
        guard status == 0 else {
            throw SystemFault(errno: status, operation: "block the signals of the process")
        }
        let number = LinuxCalls.signalfd(-1, &mask, O_CLOEXEC | O_NONBLOCK)
        guard number >= 0 else { throw .latest("make a signal descriptor") }
        descriptor = FileDescriptor(number)
    }

    /// Readable while a signal waits.
    package var fileDescriptor: Int32 { descriptor.number }

    /// A signal that came.
    package struct Arrival: Equatable, Sendable {
        /// The signal.
        package let number: Int32
        /// The process that sent it; 0 for the kernel.
        package let pid: Int32
        /// Its user.
        package let uid: UInt32
    }

    /// The next signal, or nil if none waits; never blocks.
    package borrowing func next() -> Arrival? {
        withUnsafeTemporaryAllocation(byteCount: Self.recordBytes, alignment: 8) { record in
            let number = descriptor.number
            let count = uninterrupted { read(number, record.baseAddress, record.count) }
            guard count == Self.recordBytes else { return nil }
            // signalfd_siginfo: ssi_signo, ssi_errno, ssi_code, ssi_pid, ssi_uid, each of 4 bytes.
            return Arrival(
                number: Int32(bitPattern: record.load(as: UInt32.self)),
                pid: Int32(bitPattern: record.load(fromByteOffset: 12, as: UInt32.self)),
                uid: record.load(fromByteOffset: 16, as: UInt32.self)
            )
        }
    }
}
