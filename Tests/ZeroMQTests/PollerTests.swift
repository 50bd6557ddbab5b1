// SPDX-License-Identifier: Apache-2.0

import Glibc
import Testing
import ZeroMQ

@Suite struct PollerTests {
    @Test("plain descriptors are waited for beside sockets")
    func descriptors() throws {
        let router = try Socket(.router, in: try Context())
        var ends: [Int32] = [0, 0]
        try #require(pipe(&ends) == 0)
        defer { for end in ends { close(end) } }
        var poller = Poller(capacity: 1)
        let socketSlot = poller.add(router)
        let pipeSlot = poller.add(fileDescriptor: ends[0])

        #expect(try poller.waitForWork(timeoutMilliseconds: 0) == 0)
        #expect(write(ends[1], "x", 1) == 1)
        #expect(try poller.waitForWork(timeoutMilliseconds: patienceMilliseconds) == 1)
        #expect(poller.readiness(of: pipeSlot) == .readable)
        #expect(poller.readiness(of: socketSlot) == [])

        poller.setInterest([], of: pipeSlot)
        #expect(try poller.waitForWork(timeoutMilliseconds: 0) == 0)
    }

    @Test("a removed entry is not reported, and its slot serves the next")
    func removal() throws {
        var ends: [Int32] = [0, 0]
        try #require(pipe(&ends) == 0)
        defer { for end in ends { close(end) } }
        var poller = Poller(capacity: 1)
        let first = poller.add(fileDescriptor: ends[1], for: .writable)
        let second = poller.add(fileDescriptor: ends[0])
        #expect(first != second)
        #expect(try poller.waitForWork(timeoutMilliseconds: 0) == 1)

        poller.remove(first)
        #expect(try poller.waitForWork(timeoutMilliseconds: 0) == 0)
        #expect(poller.add(fileDescriptor: ends[1], for: .writable) == first)
        #expect(try poller.waitForWork(timeoutMilliseconds: 0) == 1)
        #expect(poller.readiness(of: first) == .writable)
    }
}
