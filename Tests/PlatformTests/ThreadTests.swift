// SPDX-License-Identifier: Apache-2.0

import Glibc
import Platform
import Testing

/// True if the descriptor can be read at this moment.
private func isReadable(_ descriptor: Int32) -> Bool {
    var entry = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
    return poll(&entry, 1, 0) == 1
}

@Suite struct ThreadTests {
    @Test("a thread carries the first 15 bytes of its name")
    func name() throws {
        let names = Mailbox<String>(capacity: 1)
        let thread = try WorkerThread(name: "ledger-writer-one") {
            var text = [CChar](repeating: 0, count: 32)
            if let file = fopen("/proc/thread-self/comm", "r") {
                fgets(&text, 32, file)
                fclose(file)
            }
            let bytes = text.prefix { $0 != 0 && $0 != 10 }.map { UInt8(bitPattern: $0) }
            _ = names.put(String(decoding: bytes, as: UTF8.self))
        }
        thread.join()
        #expect(names.tryTake() == "ledger-writer-o")
    }

    @Test("a thread dropped without being joined is a defect and traps")
    func unjoined() async {
        await #expect(processExitsWith: .failure) {
            _ = try WorkerThread(name: "forgotten") {}
        }
    }

    @Test("many signals are one wake-up, gone once drained")
    func eventSignal() throws {
        let signal = try EventSignal()
        #expect(!isReadable(signal.fileDescriptor))
        signal.signal()
        signal.signal()
        #expect(isReadable(signal.fileDescriptor))
        signal.drain()
        #expect(!isReadable(signal.fileDescriptor))
        signal.drain()
        signal.signal()
        #expect(isReadable(signal.fileDescriptor))
    }

    @Test("signals are read by number, and none is invented")
    func signalReader() throws {
        let outcomes = Mailbox<[SignalReader.Arrival?]>(capacity: 1)
        let thread = try WorkerThread(name: "signals") {
            guard let reader = try? SignalReader([SIGUSR1, SIGHUP]) else { return }
            var outcome = [reader.next()]
            // raise() signals the calling thread, which alone blocks and reads it.
            raise(SIGUSR1)
            outcome.append(isReadable(reader.fileDescriptor) ? reader.next() : nil)
            outcome.append(reader.next())
            _ = outcomes.put(outcome)
        }
        thread.join()
        let told = try #require(outcomes.tryTake())
        #expect(told.map { $0?.number } == [nil, SIGUSR1, nil])
        #expect(told[1]?.pid == getpid())
        #expect(told[1]?.uid == geteuid())
    }

    @Test("random bytes come in any number and differ")
    func random() {
        #expect(randomBytes(0) == [])
        #expect(randomBytes(1000).count == 1000)
        #expect(randomBytes(600) != randomBytes(600))
        #expect(Set(randomBytes(600).suffix(300)).count > 1)
    }

    @Test("a pipe is no terminal")
    func terminal() throws {
        var ends: [Int32] = [0, 0]
        try #require(pipe(&ends) == 0)
        defer { for end in ends { close(end) } }
        #expect(!isTerminal(ends[0]))
        #expect(!isTerminal(-1))
    }

    @Test("free space is known for a directory and refused for none")
    func freeSpace() throws {
        #expect(try DiskSpace.freeBytes("/") > 0)
        let fault = #expect(throws: SystemFault.self) { try DiskSpace.freeBytes("/no/such/place") }
        #expect(fault?.errno == ENOENT)
        #expect(fault?.path == "/no/such/place")
    }
}
