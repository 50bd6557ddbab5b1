// SPDX-License-Identifier: Apache-2.0
// Goal: no bytes of a peer, an operator or a file can make a reader trap.
// Method: libFuzzer drives one reader, chosen by the environment (`Tests/fuzz` sets it); a trap, a
// sanitizer's report or a broken property is a finding.

@testable import Control
import Declarations
import FoundationEssentials
import Glibc
import Keys
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
    check({ try? Envelope.read(Envelope.Event.self, from: $0) }, { Envelope.bytes(of: $0) })
    check({ try? Envelope.read(Envelope.Subscribe.self, from: $0) }, { Envelope.bytes(of: $0) })
    check({ try? Envelope.read(Envelope.Question.self, from: $0) }, { Envelope.bytes(of: $0) })
    check({ try? Envelope.read(Envelope.Offer.self, from: $0) }, { Envelope.bytes(of: $0) })
    check({ try? Envelope.read(Envelope.Reply.self, from: $0) }, { Envelope.bytes(of: $0) })
    check({ try? Envelope.read(Envelope.Catalogue.self, from: $0) }, { Envelope.bytes(of: $0) })
    if let subscribe = try? Envelope.read(Envelope.Subscribe.self, from: bytes),
        let pattern = try? TopicPattern(subscribe.pattern)
    {
        expect(pattern.covers(pattern), "a pattern covers itself")
    }
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
                if let request = try? Request.read(data) { arguments(of: request.cmd, in: data) }
                continue
            }
            break
        }
    }
}

/// The arguments of a command are read as it reads them; who and what a rule names is refused, or
/// is told as it was written.
private func arguments(of command: String, in line: Data) {
    func read<Arguments: CommandArguments>(_ type: Arguments.Type) -> Arguments? {
        try? Request.arguments(type, in: line)
    }
    switch CommandName(rawValue: command) {
    case .procedureShow: _ = read(ProcedureArguments.self)
    case .procedureCheck, .procedurePublish, .catalogueCheck, .cataloguePublish:
        _ = read(SourceArguments.self)
    case .caseShow: _ = read(CaseArguments.self)
    case .deadList: _ = read(DeadListArguments.self)
    case .deadRetry, .deadClose: _ = read(DeadArguments.self)?.selection
    case .agencyBackdating, .agencyAllCases: _ = read(BackdatingArguments.self)
    case .topicList: _ = read(TopicListArguments.self)
    case .topicRetention: _ = read(RetentionArguments.self)
    case .subscriptionDead: _ = read(DeadEventArguments.self)
    case .subscriptionForget: _ = read(SubscriptionArguments.self)
    case .catalogueShow: _ = read(CatalogueArguments.self)
    case .notice: _ = read(NoticeArguments.self)
    case .exportTraces: _ = read(ExportArguments.self)
    case .agencyAdd: _ = read(EnrolArguments.self)
    case .agencyRotate: _ = read(RotateArguments.self)
    case .agencyShow, .agencySuspend, .agencyResume: _ = read(AgencyArguments.self)
    case .agencyRevoke: _ = read(RevokeArguments.self)
    case .agencyLimit: _ = read(LimitArguments.self)
    case .policyGrant:
        guard let given = read(GrantArguments.self) else { return }
        let subject = PolicySubject(text: given.subject)
        expect(subject == nil || subject?.text == given.subject, "a subject is told as written")
        guard let right = Right(word: given.right),
            let pattern = RightPattern(given.pattern, for: right)
        else { return }
        let level = given.ceiling.flatMap { Classification(word: $0) }
        expect(level == nil || level?.word == given.ceiling, "a level is told as written")
        expect(pattern.text == given.pattern, "a pattern is told as written")
    case .policyRevoke: _ = read(RuleArguments.self)
    case .policyRole: _ = read(RoleArguments.self)
    case .policyList: _ = read(PolicyListArguments.self)
    case .policyExplain: _ = read(ExplainArguments.self)
    default: _ = read(NoArguments.self)
    }
}

/// A procedure or a catalogue is refused with places, or it is one.
private func yaml(_ bytes: UnsafeRawBufferPointer) {
    let text = String(decoding: bytes, as: UTF8.self)
    do {
        let procedure = try ProcedureDeclaration.read(text)
        expect(!procedure.steps.isEmpty, "a procedure has a step")
    } catch {
        expect(!error.description.isEmpty, "a fault says what is wrong")
    }
    do {
        let catalogue = try CatalogueReading.read(text)
        expect(Name.isLegal(catalogue.agency), "a catalogue is an agency's")
    } catch {
        expect(!error.description.isEmpty, "a fault says what is wrong")
    }
}

/// The daemon whose requests are fuzzed, and the one request its seed proves.
private let server = KeyPair(secret: [UInt8](repeating: 0x42, count: 32)) ?? KeyPair()
private let proven = KeyPair(secret: [UInt8](repeating: 0x17, count: 32)).flatMap {
    try? KeyRequest(
        agency: "city",
        pair: $0,
        server: server.publicKey,
        made: 1_772_352_000_000,
        note: "host a"
    )
}

/// A request is refused, or is told as it was written and proves nothing but what was proven; a key
/// file is refused or is one.
private func keys(_ bytes: UnsafeRawBufferPointer) {
    let text = String(decoding: bytes, as: UTF8.self)
    if let request = try? KeyRequest(reading: text) {
        expect(request.text.utf8.elementsEqual(text.utf8), "a request has one form")
        let isProven = (try? request.check(by: server)) != nil
        expect(!isProven || request == proven, "only what was proven is")
    }
    guard let file = tmpfile() else { return }
    defer { fclose(file) }
    guard fwrite(bytes.baseAddress, 1, bytes.count, file) == bytes.count else { return }
    fflush(file)
    let path = "/proc/self/fd/\(fileno(file))"
    _ = try? KeyFile.readPair(path)
    _ = try? KeyFile.publicKey(given: path)
    _ = Fingerprint(of: server.publicKey).isTold(as: text)
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
    case "keys":
        {
            keys(UnsafeRawBufferPointer(start: $0, count: $1)); return 0
        }
    default:
        {
            xes(UnsafeRawBufferPointer(start: $0, count: $1)); return 0
        }
    }

// The seed that only whoever holds the secret could make.
if let seed = ProcessInfo.processInfo.environment["BARID_FUZZ_REQUEST"], let proven {
    try? proven.text.write(toFile: seed, atomically: false, encoding: .utf8)
    exit(0)
}

private var argumentCount = CommandLine.argc
private var arguments = CommandLine.unsafeArgv
exit(runDriver(&argumentCount, &arguments, test))
