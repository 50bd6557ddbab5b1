// SPDX-License-Identifier: Apache-2.0

/// Writes an event log of IEEE 1849 (XES), one trace at a time.
///
/// What it writes, `EventLogReader` reads back equal, but for characters that XML 1.0 cannot
/// carry: those become U+FFFD. A log that was not finished lacks its end and is refused by readers.
package struct EventLogWriter: ~Copyable {
    /// Takes the next bytes of the log, in order; throws `unwritable` where it cannot.
    package typealias Sink = ([UInt8]) throws(EventLogFault) -> Void

    private let sink: Sink
    private var text = XESText()

    /// Bytes gathered before the sink is called.
    private static let chunkBytes = 64 * 1024

    /// Begins a log.
    ///
    /// - Parameter sink: Called with at least 64 KiB at a time, and once with the rest.
    package init(sink: @escaping Sink) {
        self.sink = sink
        text.appendHeader()
    }

    /// Begins a log on a file descriptor, which stays open and belongs to the caller.
    ///
    /// - Parameter descriptor: A blocking descriptor; waits where a pipe is full.
    package init(descriptor: Int32) {
        self.init { bytes throws(EventLogFault) in try writeAll(bytes, to: descriptor) }
    }

    /// Writes one trace.
    ///
    /// An attribute whose key has a field of its own in `Trace` or `Event` is left out: the field
    /// says it. An empty group or resource is left out too.
    ///
    /// - Throws: `tooLarge` beyond `EventLogLimits`, `badInstant` for an event outside the years
    ///   0001 to 9999: then nothing of the trace is written and the log goes on. `unwritable` from
    ///   the sink: then the log is lost.
    package mutating func write(_ trace: Trace) throws(EventLogFault) {
        try text.append(trace)
        guard text.bytes.count >= Self.chunkBytes else { return }
        try sink(text.bytes)
        text.bytes.removeAll(keepingCapacity: true)
    }

    /// Ends the log and hands the rest of it to the sink.
    package consuming func finish() throws(EventLogFault) {
        text.appendFooter()
        try sink(text.bytes)
    }
}
