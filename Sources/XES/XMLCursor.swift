// SPDX-License-Identifier: Apache-2.0

import CXML
import Glibc

/// A forward walk over the elements of an XML file, plain or gzip, in constant memory.
///
/// The only code that touches libxml2. Text that libxml2 lends is copied before the next step.
/// Nothing is fetched from a network, entities are not substituted, and a document type is
/// refused, so that no file can grow by declaration. libxml2's own limits stay in force: 10 MB
/// a token, 256 levels.
struct XMLCursor: ~Copyable {
    enum Step {
        /// The start of an element; its name and attributes can be asked for until the next step.
        case opens
        /// The end of an element; reported for empty elements too.
        case closes
        /// The end of the document, whose whole text was well formed.
        case ends
    }

    private let reader: xmlTextReaderPtr
    private let complaint: Complaint
    private var isInsideEmpty = false

    init(path: String) throws(EventLogFault) {
        _ = parserReady
        // Without O_NONBLOCK a named pipe would wait here for a writer before it is refused.
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            throw .unreadable("\(quoted(path)) cannot be opened: \(systemReason())")
        }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw .unreadable("\(quoted(path)) is not a file; name an .xes or .xes.gz file")
        }
        guard status.st_size > 0 else {
            throw EventLogFault(
                code: .malformed,
                line: 0,
                message: "\(quoted(path)) is empty; an event log has at least a <log> element"
            )
        }
        // libxml2 takes a path for a URI and would undo percent signs in it; this name has none.
        let name = "/proc/self/fd/\(descriptor)"
        let complaint = Complaint()
        let reader = complaint.heard {
            xmlReaderForFile(name, nil, Int32(XML_PARSE_NONET.rawValue))
        }
        guard let reader else {
            throw .unreadable("\(quoted(path)) cannot be read; check that /proc is mounted")
        }
        self.reader = reader
        self.complaint = complaint
    }

    deinit { xmlFreeTextReader(reader) }

    /// Moves to the next start or end of an element.
    mutating func advance() throws(EventLogFault) -> Step {
        if isInsideEmpty {
            isInsideEmpty = false
            return .closes
        }
        while true {
            let status = complaint.heard { xmlTextReaderRead(reader) }
            guard status >= 0, complaint.isEmpty else { throw failure }
            guard status == 1 else { return .ends }
            switch xmlTextReaderNodeType(reader) {
            case Int32(XML_READER_TYPE_ELEMENT.rawValue):
                isInsideEmpty = xmlTextReaderIsEmptyElement(reader) == 1
                return .opens
            case Int32(XML_READER_TYPE_END_ELEMENT.rawValue):
                return .closes
            case Int32(XML_READER_TYPE_DOCUMENT_TYPE.rawValue):
                throw .documentType(line: line)
            default:
                continue
            }
        }
    }

    /// Moves past the end of the element that was just opened, with all it holds.
    mutating func skip() throws(EventLogFault) {
        var depth = 1
        while depth > 0 {
            switch try advance() {
            case .opens: depth += 1
            case .closes: depth -= 1
            case .ends: return
            }
        }
    }

    /// The name of the element just opened, without a namespace prefix.
    var name: String {
        guard let name = xmlTextReaderConstLocalName(reader) else { return "" }
        return String(cString: name)
    }

    /// An attribute of the element just opened, or nil where it has none of that name.
    ///
    /// - Throws: `tooLarge` beyond `EventLogLimits.textBytesMax` UTF-8 bytes.
    func attribute(_ name: String) throws(EventLogFault) -> String? {
        guard xmlTextReaderMoveToAttribute(reader, name) == 1 else { return nil }
        defer { xmlTextReaderMoveToElement(reader) }
        guard let value = xmlTextReaderConstValue(reader) else { return "" }
        let countMax = EventLogLimits.textBytesMax
        let bytes = UnsafeRawPointer(value)
        let count = strnlen(bytes.assumingMemoryBound(to: CChar.self), countMax + 1)
        guard count <= countMax else {
            throw EventLogFault(
                code: .tooLarge,
                line: line,
                message: "a \(name) is longer than \(countMax) bytes; shorten it in the log"
            )
        }
        return String(
            decoding: UnsafeRawBufferPointer(start: bytes, count: count),
            as: UTF8.self
        )
    }

    /// The line of the element just opened, counted from 1.
    ///
    /// libxml2 keeps 16 bits a node; beyond that this is how far the parser has read, which is
    /// at most a few hundred bytes further on.
    var line: Int {
        let nodeLine = xmlTextReaderCurrentNode(reader).map { xmlGetLineNo($0) } ?? 0
        guard nodeLine > 0, nodeLine < Int(UInt16.max) else {
            return max(0, Int(xmlTextReaderGetParserLineNumber(reader)))
        }
        return nodeLine
    }

    private var failure: EventLogFault {
        if complaint.isExpansion { return .documentType(line: complaint.line) }
        guard !complaint.isDamage, let text = complaint.text else {
            return .unreadable(
                "the file cannot be read to its end; its compressed form is damaged or cut short, "
                    + "fetch it again"
            )
        }
        return EventLogFault(
            code: .malformed,
            line: complaint.line,
            message: "this is not well-formed XML or it is cut short (\(text)); "
                + "fetch the log again or correct it here"
        )
    }
}

/// What libxml2 reports about one file: that it cannot be read, or its first fatal error.
private final class Complaint {
    private(set) var isDamage = false
    private(set) var isExpansion = false
    private(set) var text: String?
    private(set) var line = 0

    var isEmpty: Bool { !isDamage && text == nil }

    /// Makes a call to libxml2 whose reports come here instead of going to standard error.
    ///
    /// libxml2 keeps the handler per thread, so it is set for the one call only. Damage in
    /// compressed data is reported only where `errno` says something, and zlib says nothing.
    func heard<Answer>(_ call: () -> Answer) -> Answer {
        xmlSetStructuredErrorFunc(Unmanaged.passUnretained(self).toOpaque()) { context, error in
            guard let context, let error else { return }
            Unmanaged<Complaint>.fromOpaque(context).takeUnretainedValue().note(error.pointee)
        }
        defer { xmlSetStructuredErrorFunc(nil, nil) }
        errno = EIO
        return call()
    }

    private func note(_ error: xmlError) {
        if error.domain == Int32(XML_FROM_IO.rawValue) { isDamage = true }
        // Lesser errors, such as an undeclared prefix, leave the text readable.
        guard text == nil, error.level == XML_ERR_FATAL else { return }
        let message = error.message.map { String(cString: $0) } ?? "no reason given"
        isExpansion = error.code == Int32(XML_ERR_ENTITY_LOOP.rawValue)
        text = String(message.prefix { !$0.isNewline })
        line = max(0, Int(error.line))
    }
}

/// libxml2 wants to be prepared once before threads use it; a global does that exactly once.
private let parserReady: Void = xmlInitParser()

/// What the operating system says about its last error, such as `Permission denied`.
func systemReason() -> String { strerror(errno).map { String(cString: $0) } ?? "unknown reason" }

extension EventLogFault {
    fileprivate static func unreadable(_ message: String) -> EventLogFault {
        EventLogFault(code: .unreadable, line: 0, message: message)
    }
    fileprivate static func documentType(line: Int) -> EventLogFault {
        EventLogFault(
            code: .malformed,
            line: line,
            message: "the file declares a document type, which an event log never needs; "
                + "remove the <!DOCTYPE> declaration"
        )
    }
}
