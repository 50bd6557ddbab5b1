// SPDX-License-Identifier: Apache-2.0

import Foundation

@testable import XES

/// A file that exists while `body` runs, with the given bytes.
func withFile<Result>(
    _ bytes: [UInt8],
    named suffix: String = ".xes",
    _ body: (String) throws -> Result
) throws -> Result {
    let url = FileManager.default.temporaryDirectory
        .appendingPathComponent("barid-xes-\(UUID().uuidString)\(suffix)")
    try Data(bytes).write(to: url)
    defer { try? FileManager.default.removeItem(at: url) }
    return try body(url.path)
}

/// All traces of a log, or the fault that stopped the reading.
func readAll(path: String) throws(EventLogFault) -> [Trace] {
    var reader = try EventLogReader(path: path)
    var traces: [Trace] = []
    while let trace = try reader.nextTrace() { traces.append(trace) }
    return traces
}

/// The traces of a log that is given as text.
func read(_ text: String) throws -> [Trace] {
    try withFile(Array(text.utf8)) { try readAll(path: $0) }
}

/// The fault with which reading a log ends, or nil where it is read to its end.
func fault(_ bytes: [UInt8], named suffix: String = ".xes") throws -> EventLogFault? {
    try withFile(bytes, named: suffix) { path in
        do throws(EventLogFault) {
            _ = try readAll(path: path)
            return nil
        } catch {
            return error
        }
    }
}

/// The fault with which reading a log, given as text, ends.
func fault(_ text: String) throws -> EventLogFault? { try fault(Array(text.utf8)) }

/// Gathers what a writer hands out.
final class Gathered {
    private(set) var bytes: [UInt8] = []
    private(set) var callCount = 0

    func take(_ more: [UInt8]) {
        bytes += more
        callCount += 1
    }
}

/// The bytes of a finished log.
func written(_ traces: [Trace]) throws(EventLogFault) -> [UInt8] {
    let gathered = Gathered()
    var writer = EventLogWriter { bytes throws(EventLogFault) in gathered.take(bytes) }
    for trace in traces { try writer.write(trace) }
    try writer.finish()
    return gathered.bytes
}

/// The checkout this file was compiled in.
let checkout = URL(fileURLWithPath: #filePath)
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

/// A gzip member that stores `bytes` uncompressed, at most 65 535 of them (RFC 1952, RFC 1951).
func gzipStored(_ bytes: [UInt8]) -> [UInt8] {
    func littleEndian(_ number: UInt32, _ width: Int) -> [UInt8] {
        (0..<width).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
    }
    let count = UInt32(bytes.count)
    var checksum: UInt32 = 0xFFFF_FFFF
    for byte in bytes {
        checksum ^= UInt32(byte)
        for _ in 0..<8 {
            checksum = (checksum >> 1) ^ (checksum & 1 == 1 ? 0xEDB8_8320 : 0)
        }
    }
    return [0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 255, 1]
        + littleEndian(count, 2) + littleEndian(~count, 2) + bytes
        + littleEndian(~checksum, 4) + littleEndian(count, 4)
}
