// SPDX-License-Identifier: Apache-2.0
// Goal: no bytes of a peer, an operator or a file can make a reader trap.
// Method: libFuzzer drives one reader, chosen by the environment (`Tests/fuzz` sets it); a trap, a
// sanitizer's report or a broken property is a finding.

@testable import Control
import Declarations
import FoundationEssentials
import Glibc
import Rules
import Wire
import XES

@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
    _ count: UnsafeMutablePointer<Int32>,
    _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>>,
    _ test: @convention(c) (UnsafePointer<UInt8>?, Int) -> Int32
) -> Int32

/// What understood bytes must encode to again; called by name, so that a finding says what broke.
private func expect(_ isTrue: Bool, _ property: StaticString) {
    precondition(isTrue, "\(property)")
}

/// A packet is refused, or each of its operations is what its bytes say.
private func wire(_ bytes: UnsafeRawBufferPointer) {
    guard var reader = try? PacketReader(bytes, bodyBytesMax: 65_536) else { return }
    var count = 0
    while let item = reader.next() {
        count += 1
        guard case .operation(let header, let envelope, let body) = item else { continue }
        expect(envelope.count == Int(header.envelopeLength), "the envelope has its length")
        expect(body.count == Int(header.bodyLength), "the body has its length")
    }
    expect(count > 0, "a packet has an operation")
}

/// An envelope is refused, or what it means survives being written and read again.
private func envelope(_ bytes: UnsafeRawBufferPointer) {
    func check<Message: Equatable>(
        _ read: (UnsafeRawBufferPointer) -> Message?,
        _ write: (Message) -> [UInt8]
    ) {
        guard let message = read(bytes) else { return }
        let written = write(message)
        let again = written.withUnsafeBytes { write(read($0) ?? message) }
        expect(again == written, "an envelope is written the same twice")
    }
    check({ try? Envelope.read(Envelope.Hello.self, from: $0) }, { Envelope.bytes(of: $0) })
    check({ try? Envelope.read(Envelope.Attach.self, from: $0) }, { Envelope.bytes(of: $0) })
    check({ try? Envelope.read(Envelope.Case.self, from: $0) }, { Envelope.bytes(of: $0) })
    check({ try? Envelope.read(Envelope.Reason.self, from: $0) }, { Envelope.bytes(of: $0) })
    check({ try? Envelope.read(Envelope.Note.self, from: $0) }, { Envelope.bytes(of: $0) })
    check({ try? Envelope.read(Envelope.Trail.self, from: $0) }, { Envelope.bytes(of: $0) })
    guard let record = JournalRecord(reading: bytes) else { return }
    var written: [UInt8] = []
    record.write(to: &written)
    let again = written.withUnsafeBytes { JournalRecord(reading: $0) }
    expect(again == record, "a record survives a round trip")
}

/// What operators send is cut into lines, and every line is a request or a fault.
private func control(_ bytes: UnsafeRawBufferPointer) {
    var reader = LineReader(lineBytesMax: 4_096)
    var rest = bytes[...]
    while !rest.isEmpty {
        let part = rest.prefix(61)
        rest = rest.dropFirst(part.count)
        reader.append(part)
        while true {
            switch reader.next() {
            case .nothing: break
            case .tooLong: continue
            case .line(let line):
                let data = Data(line)
                _ = Request.number(of: data)
                _ = try? Request.read(data)
                _ = try? Request.arguments(DeadArguments.self, in: data)
                _ = try? Request.arguments(SourceArguments.self, in: data)
                _ = try? Request.arguments(BackdatingArguments.self, in: data)
                continue
            }
            break
        }
    }
}

/// A procedure is refused with places, or it is one.
private func yaml(_ bytes: UnsafeRawBufferPointer) {
    let text = String(decoding: bytes, as: UTF8.self)
    do {
        let procedure = try ProcedureDeclaration.read(text)
        expect(!procedure.steps.isEmpty, "a procedure has a step")
    } catch {
        expect(!error.description.isEmpty, "a fault says what is wrong")
    }
}

/// A file is an event log, or refused.
private func xes(_ bytes: UnsafeRawBufferPointer) {
    guard let file = tmpfile() else { return }
    defer { fclose(file) }
    guard fwrite(bytes.baseAddress, 1, bytes.count, file) == bytes.count else { return }
    fflush(file)
    do {
        var reader = try EventLogReader(path: "/proc/self/fd/\(fileno(file))")
        while try reader.nextTrace() != nil {}
    } catch {}
}

private let test: @convention(c) (UnsafePointer<UInt8>?, Int) -> Int32 =
    switch ProcessInfo.processInfo.environment["BARID_FUZZ_TARGET"] {
    case "wire":
        {
            wire(UnsafeRawBufferPointer(start: $0, count: $1)); return 0
        }
    case "envelope":
        {
            envelope(UnsafeRawBufferPointer(start: $0, count: $1)); return 0
        }
    case "control":
        {
            control(UnsafeRawBufferPointer(start: $0, count: $1)); return 0
        }
    case "yaml":
        {
            yaml(UnsafeRawBufferPointer(start: $0, count: $1)); return 0
        }
    default:
        {
            xes(UnsafeRawBufferPointer(start: $0, count: $1)); return 0
        }
    }

private var argumentCount = CommandLine.argc
private var arguments = CommandLine.unsafeArgv
exit(runDriver(&argumentCount, &arguments, test))
