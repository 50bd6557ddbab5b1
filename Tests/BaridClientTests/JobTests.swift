// SPDX-License-Identifier: Apache-2.0
// Goal: a job ends when its command does. Method: many short commands, some of them cancelled.

internal import Glibc
internal import TestKit
internal import Testing

@testable internal import barid

@Suite("Commands run for what is delivered", .timeLimit(.minutes(2)))
struct JobTests {
    @Test("a command gets its content and particulars, and its last line and status come back")
    func wholeWay() async throws {
        let job = Job(command: "cat; echo; printf '%s\\n\\n' \"$BARID_STEP\"; exit 7")
        let ending = try await job.run(
            input: Array("content".utf8),
            particulars: [("BARID_STEP", "check")]
        )
        #expect(ending.status == 7)
        #expect(ending.lastLine == "check")
        #expect(String(decoding: ending.output, as: UTF8.self) == "content\ncheck\n\n")
    }

    @Test("a command need not read what it is given")
    func unread() async throws {
        let input = [UInt8](repeating: 1, count: 1 << 20)
        let ending = try await Job(command: "echo done").run(input: input, particulars: [])
        #expect(ending.status == 0)
        #expect(ending.lastLine == "done")
    }

    @Test("of a long output the last mebibyte is kept")
    func longOutput() async throws {
        let job = Job(command: "head -c 3000000 /dev/zero; echo end")
        let ending = try await job.run(input: [], particulars: [])
        #expect(ending.output.count == 1 << 20)
        #expect(ending.isCut)
        #expect(ending.output.suffix(4) == Array("end\n".utf8)[...])
    }

    @Test("a command ended by a signal has no status, and one that cannot be found has 127")
    func statuses() async throws {
        let killed = try await Job(command: "kill -9 $$").run(input: [], particulars: [])
        #expect(killed.status == -1)
        let absent = try await Job(command: "exec /no/such/command 2>/dev/null")
            .run(input: [], particulars: [])
        #expect(absent.status == 127)
    }

    @Test("what a command left running is not waited for")
    func leftRunning() async throws {
        let ending = try await Job(command: "sleep 100 & echo $!").run(input: [], particulars: [])
        #expect(ending.status == 0)
        let left = try #require(Int32(ending.lastLine))
        #expect(kill(left, SIGKILL) == 0, "it still runs")
    }

    @Test("many short commands in a row end, cancelled in between or not", arguments: [0x8A71_D001])
    func manyInARow(seed: UInt64) async throws {
        var generator = SeededGenerator(seed: seed)
        for round in 0..<300 {
            let isCancelled = generator.next() % 3 == 0
            let turns = generator.next() % 2_000
            // A command that would not end by itself can only end by its cancellation.
            let job = Job(command: isCancelled ? "cat; exec sleep 1000" : "cat")
            let input = [UInt8](repeating: 65, count: Int(generator.next() % 100_000))
            let running = Task { try await job.run(input: input, particulars: []) }
            if isCancelled {
                for _ in 0..<turns { await Task.yield() }
                running.cancel()
                if case .success(let ending) = await running.result {
                    #expect(ending.status == -1, "seed \(seed), round \(round)")
                }
            } else {
                let ending = try await running.value
                #expect(ending.status == 0, "seed \(seed), round \(round)")
                #expect(ending.output == input, "seed \(seed), round \(round)")
            }
        }
    }
}
