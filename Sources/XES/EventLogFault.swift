// SPDX-License-Identifier: Apache-2.0

/// Why an event log could not be read or written: what happened, where, and what to do next.
package struct EventLogFault: Error, Sendable, Equatable, CustomStringConvertible {
    /// The kind of fault, for programs; `message` is for people.
    package enum Code: Sendable, Equatable, CaseIterable {
        /// The file cannot be opened or read to its end, or its compressed form is damaged.
        case unreadable
        /// The text is not well-formed XML, stops too early, or carries a document type.
        case malformed
        /// Well-formed XML that is not an event log of IEEE 1849.
        case notXES
        /// An event has no time, or a time that is not an instant.
        case badInstant
        /// A limit of `EventLogLimits` is exceeded.
        case tooLarge
        /// The log cannot be written to where it should go.
        case unwritable
    }

    /// The kind of fault.
    package let code: Code

    /// The line of the file it was noticed on, counted from 1; 0 where no line can be named.
    package let line: Int

    /// What happened and what to do next, in one or two sentences.
    package let message: String

    /// Makes a fault.
    package init(code: Code, line: Int, message: String) {
        self.code = code
        self.line = line
        self.message = message
    }

    /// `line 12: message`, or the message alone where no line is known.
    package var description: String { line > 0 ? "line \(line): \(message)" : message }
}

/// The sizes an event log may have; reader and writer hold to the same ones.
package enum EventLogLimits {
    /// UTF-8 bytes of one key or one value: 64 KiB.
    package static let textBytesMax = 64 * 1024

    /// UTF-8 bytes of all keys and values of one trace, its events included: 64 MiB.
    package static let traceBytesMax = 64 * 1024 * 1024

    /// Attributes of one trace and its events together, those with a field of their own included.
    package static let traceAttributesMax = 1_000_000

    /// Events of one trace.
    package static let traceEventsMax = 100_000

    /// Attributes of one trace or one event, beyond those that have a field of their own.
    package static let attributesMax = 1_000
}

/// What one trace has used up of `EventLogLimits`; reader and writer count alike.
struct TraceSize {
    private var bytes = 0
    private var attributeCount = 0

    /// Counts one more attribute of `textBytes` bytes in key and value.
    ///
    /// - Returns: What the trace has too much of, as words after its name; nil within the limits.
    mutating func excess(afterAdding textBytes: Int) -> String? {
        bytes += textBytes
        attributeCount += 1
        if bytes > EventLogLimits.traceBytesMax {
            return "has more than \(EventLogLimits.traceBytesMax) bytes of text"
        }
        if attributeCount > EventLogLimits.traceAttributesMax {
            return "has more than \(EventLogLimits.traceAttributesMax) attributes in its events"
        }
        return nil
    }
}

/// Text from a file, made safe to show on a terminal: at most 80 characters, no controls.
func quoted(_ text: String) -> String {
    let lengthMax = 80
    var shown = String.UnicodeScalarView()
    for scalar in text.unicodeScalars.prefix(lengthMax) {
        let isControl = scalar.properties.generalCategory == .control
        shown.append(isControl ? "\u{FFFD}" : scalar)
    }
    let isCut = text.unicodeScalars.dropFirst(lengthMax).first != nil
    return "\"\(String(shown))\(isCut ? "…" : "")\""
}
