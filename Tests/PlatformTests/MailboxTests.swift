// SPDX-License-Identifier: Apache-2.0

import Glibc
import Platform
import Testing

/// A value that cannot be copied, so that the compiler proves the hand-over moves it.
private struct Parcel: ~Copyable, Sendable {
    let sender: Int
    let number: Int
}

@Suite struct MailboxTests {
    @Test("values cross threads in order, each once, though the mailbox is small")
    func handOver() throws {
        let mailbox = Mailbox<Parcel>(capacity: 4)
        let countEach = 20_000
        var threads: [WorkerThread] = []
        for sender in 0..<3 {
            let thread = try WorkerThread(name: "sender-\(sender)") {
                for number in 0..<countEach {
                    var refused = mailbox.put(Parcel(sender: sender, number: number))
                    while let parcel = refused.take() {
                        sched_yield()
                        refused = mailbox.put(parcel)
                    }
                }
            }
            threads.append(thread)
        }
        var next = [0, 0, 0]
        for _ in 0..<countEach * 3 {
            guard let parcel = mailbox.take() else {
                Issue.record("an open mailbox gave nothing")
                break
            }
            let (sender, number) = (parcel.sender, parcel.number)
            if number != next[sender] {
                Issue.record("sender \(sender): \(number) came instead of \(next[sender])")
            }
            next[sender] = number + 1
        }
        for thread in threads { thread.join() }
        #expect(next == [countEach, countEach, countEach])
        let isEmpty = mailbox.tryTake() == nil
        #expect(isEmpty)
    }

    @Test("a full mailbox gives the value back and keeps what it has")
    func full() {
        let mailbox = Mailbox<Int>(capacity: 2)
        #expect(mailbox.put(1) == nil)
        #expect(mailbox.put(2) == nil)
        #expect(mailbox.put(3) == 3)
        #expect(mailbox.take() == 1)
        #expect(mailbox.put(4) == nil)
        #expect(mailbox.take() == 2)
        #expect(mailbox.tryTake() == 4)
        #expect(mailbox.tryTake() == nil)
    }

    @Test("a closed mailbox refuses values, gives out the rest, then nothing")
    func closing() {
        let mailbox = Mailbox<Int>(capacity: 2)
        #expect(mailbox.put(1) == nil)
        #expect(!mailbox.isClosed)
        mailbox.close()
        #expect(mailbox.isClosed)
        #expect(mailbox.put(2) == 2)
        #expect(mailbox.take() == 1)
        #expect(mailbox.take() == nil)
    }

    @Test("closing wakes a thread that waits without end")
    func wakingByClose() throws {
        let mailbox = Mailbox<Int>(capacity: 1)
        let answers = Mailbox<Bool>(capacity: 1)
        let thread = try WorkerThread(name: "waiting") {
            _ = answers.put(mailbox.take() == nil)
        }
        mailbox.close()
        thread.join()
        #expect(answers.tryTake() == true)
    }

    @Test("a wait ends at its deadline, and at once if that has passed")
    func deadline() {
        let mailbox = Mailbox<Int>(capacity: 1)
        #expect(mailbox.take(until: 0) == nil)
        #expect(mailbox.take(until: .min) == nil)
        let deadline = Clock.monotonicMilliseconds() + 5
        #expect(mailbox.take(until: deadline) == nil)
        #expect(Clock.monotonicMilliseconds() >= deadline)
        #expect(!mailbox.isClosed)
    }

    @Test("values left in a dropped mailbox are dropped with it")
    func dropping() {
        final class Witness: Sendable {}
        weak var left: Witness?
        do {
            let mailbox = Mailbox<Witness>(capacity: 3)
            let witness = Witness()
            left = witness
            #expect(mailbox.put(witness) == nil)
        }
        #expect(left == nil)
    }
}
