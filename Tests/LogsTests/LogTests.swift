// SPDX-License-Identifier: Apache-2.0
// Goal: what is logged can be found, counted and read by programs. Method: logs to readers of the
// tests' own, one of them a socket as journald has it.

import Foundation
import Logs
import Platform
import Synchronization
import TestKit
import Testing

@Suite("The log")
struct LogTests {
    private final class Reader: Sendable {
        private let lines = Mutex<[String]>([])
        let clock = Atomic<Int64>(0)

        var told: [[String: String]] {
            get throws {
                try lines.withLock { $0 }.map { line in
                    let object = try JSONSerialization.jsonObject(with: Data(line.utf8))
                    return try #require(object as? [String: String])
                }
            }
        }

        func log() -> DaemonLog {
            DaemonLog(
                to: .reader { line in self.lines.withLock { $0.append(line) } },
                now: { self.clock.load(ordering: .relaxed) }
            )
        }
    }

    @Test("every kind of message has an identifier of its own, a level and a sentence")
    func catalogue() {
        let ids = LogMessage.allCases.map(\.id)
        #expect(Set(ids).count == ids.count)
        for message in LogMessage.allCases {
            #expect(message.id.count == 32 && message.id.allSatisfy(\.isHexDigit))
            #expect(message.text.hasSuffix("."), "\(message)")
        }
    }

    @Test("a line is one JSON object with kind, identifier, level, text and fields")
    func line() throws {
        let reader = Reader()
        let fault = "a \"quoted\" \\ text\nof two lines\u{7}"
        reader.log().say(.configurationRefused, [.fault: fault, .uid: "7"])
        let told = try #require(try reader.told.first)
        #expect(told["kind"] == "configurationRefused")
        #expect(told["id"] == LogMessage.configurationRefused.id)
        #expect(told["level"] == "error")
        #expect(told["text"] == LogMessage.configurationRefused.text)
        #expect(told["fault"] == fault)
        #expect(told["uid"] == "7")
        #expect(Instants.parse(told["at"] ?? "") != nil)
    }

    @Test("what is below the level is left out, and the level can be changed while it logs")
    func level() throws {
        let reader = Reader()
        let log = reader.log()
        log.setLevel("error")
        log.say(.ready)
        log.say(.configurationRefused)
        log.setLevel("nonsense")
        log.say(.ready)
        log.setLevel("notice")
        log.say(.ready)
        #expect(try reader.told.map { $0["kind"] } == ["configurationRefused", "ready"])
    }

    @Test("of a message that repeats five are told in a minute, and how many were not")
    func repeated() throws {
        let reader = Reader()
        let log = reader.log()
        for _ in 0..<40 { log.say(.watchdogHungry) }
        log.say(.ready)
        #expect(try reader.told.count == 6)
        reader.clock.store(59_999, ordering: .relaxed)
        log.tellSuppressed()
        #expect(try reader.told.count == 6)
        reader.clock.store(60_000, ordering: .relaxed)
        log.say(.watchdogHungry)
        #expect(try reader.told.last?["suppressed"] == "35")
        for _ in 0..<6 { log.say(.watchdogHungry) }
        reader.clock.store(120_000, ordering: .relaxed)
        log.tellSuppressed()
        log.tellSuppressed()
        let told = try reader.told
        #expect(told.count == 12)
        #expect(told.last?["suppressed"] == "2")
    }

    @Test("the journal is given each field by name, and values of several lines with their length")
    func journal() throws {
        let directory = TemporaryDirectory()
        let path = directory.path + "/journal"
        let receiver = try Receiver(path)
        let log = DaemonLog(to: .journal(try #require(JournalSocket(path: path))))
        log.say(.configurationRefused, [.fault: "one\ntwo", .uid: "7"])
        let fields = try receiver.fields()
        #expect(fields["MESSAGE_ID"] == LogMessage.configurationRefused.id)
        #expect(fields["PRIORITY"] == "3")
        #expect(fields["SYSLOG_IDENTIFIER"] == "baridd")
        #expect(fields["BARID_KIND"] == "configurationRefused")
        #expect(fields["BARID_FAULT"] == "one\ntwo")
        #expect(fields["BARID_UID"] == "7")
        #expect(fields["MESSAGE"]?.hasPrefix(LogMessage.configurationRefused.text) == true)
    }

    @Test("a descriptor is the journal's if device and inode are those of JOURNAL_STREAM")
    func stream() throws {
        var status = stat()
        try #require(fstat(2, &status) == 0)
        #expect(StandardError.isFile(2, "\(status.st_dev):\(status.st_ino)"))
        #expect(!StandardError.isFile(2, "\(status.st_dev):\(status.st_ino + 1)"))
        #expect(!StandardError.isFile(2, ""))
    }
}

private struct Missing: Error {}

/// A socket as journald has it.
private struct Receiver: ~Copyable {
    private let number: Int32

    init(_ path: String) throws {
        number = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let size = socklen_t(MemoryLayout<sockaddr_un>.size)
        let status = withUnsafeBytes(of: address) { bytes in
            bytes.baseAddress.map {
                bind(number, $0.assumingMemoryBound(to: sockaddr.self), size)
            }
        }
        try #require(status == 0)
    }

    deinit { close(number) }

    /// The fields of the next datagram, read as the protocol has it.
    func fields() throws -> [String: String] {
        var bytes = [UInt8](repeating: 0, count: 65_536)
        let count = recv(number, &bytes, bytes.count, Int32(MSG_DONTWAIT))
        guard count > 0 else { throw Missing() }
        var rest = bytes[..<count]
        var fields: [String: String] = [:]
        while let end = rest.firstIndex(where: { $0 == 0x0A || $0 == 0x3D }) {
            let name = String(decoding: rest[..<end], as: UTF8.self)
            let isLong = rest[end] == 0x0A
            rest = rest[(end + 1)...]
            var length = rest.firstIndex(of: 0x0A).map { $0 - rest.startIndex } ?? rest.count
            if isLong {
                length = rest.prefix(8).reversed().reduce(0) { $0 << 8 | Int($1) }
                rest = rest.dropFirst(8)
            }
            fields[name] = String(decoding: rest.prefix(length), as: UTF8.self)
            rest = rest.dropFirst(length + 1)
        }
        return fields
    }
}
