// SPDX-License-Identifier: Apache-2.0

import Rules
import TestKit
import Testing
import Wire

/// Goal: what an office holds in memory is the head of its queue, in order, handed out fairly.
///
/// Method: small cases by hand; a window against a sorted set, seeded.
@Suite("Windows, desks and leases")
struct QueueRuleTests {
    private func referral(_ number: UInt64, lane: Lane = .normal) -> Referral {
        Referral(
            number: number,
            serial: number,
            office: 1,
            lane: lane.rawValue,
            step: StepNumber(procedure: 1, place: 0),
            entered: 0
        )
    }

    // MARK: Windows

    @Test("a new window asks the disk first and takes nothing it does not cover")
    func newWindow() {
        var window = Window()
        #expect(window.needsLoading)
        window.insert(referral(5))
        #expect(window.isEmpty)
        window.load([referral(5), referral(9)], upTo: 9)
        window.insert(referral(10))
        window.insert(referral(7))
        #expect(drain(&window) == [5, 7, 9])
        #expect(window.needsLoading)
        window.load([], upTo: .max)
        #expect(!window.needsLoading && window.popFirst() == nil)
    }

    @Test("an overfull window forgets its tail, to be loaded again")
    func overfull() {
        var window = Window()
        window.load([], upTo: .max)
        let count = UInt64(Window.itemsMax)
        for number in 1...count { window.insert(referral(number * 2)) }
        #expect(window.horizon == .max)
        window.insert(referral(3))
        #expect(window.horizon == (count - 1) * 2)
        let drained = drain(&window)
        #expect(drained.count == Window.itemsMax)
        #expect(drained == drained.sorted() && drained.contains(3))
        #expect(window.needsLoading)
    }

    @Test("a window over a disk hands out everything once and in order, seed 31")
    func windowModel() {
        var random = SeededGenerator(seed: 31)
        var window = Window()
        var disk: Set<UInt64> = []
        var next: UInt64 = 1
        for _ in 0..<20_000 {
            switch Int.random(in: 0..<10, using: &random) {
            case 0..<4:
                next += UInt64.random(in: 1...3, using: &random)
                disk.insert(next)
                window.insert(referral(next))
            case 4:
                let number = UInt64.random(in: 1...next, using: &random)
                guard disk.insert(number).inserted else { continue }
                window.insert(referral(number))
            case 5:
                guard let number = disk.randomElement(using: &random) else { continue }
                disk.remove(number)
                window.remove(number)
            case 6 where Int.random(in: 0..<20, using: &random) == 0:
                window.reset()
            default:
                while window.needsLoading {
                    let found = disk.filter { $0 > window.horizon }.sorted().prefix(8)
                    let end = found.count < 8 ? UInt64.max : found.last ?? .max
                    window.load(found.map { referral($0) }, upTo: end)
                }
                let popped = window.popFirst()?.number
                #expect(popped == disk.min())
                if let popped { disk.remove(popped) }
            }
        }
    }

    private func drain(_ window: inout Window) -> [UInt64] {
        var numbers: [UInt64] = []
        while let next = window.popFirst() { numbers.append(next.number) }
        return numbers
    }

    // MARK: Desks

    @Test("a desk hands out the urgent lane first, then first come, first served")
    func lanes() {
        var desk = Desk()
        desk.attach(1)
        for lane in Lane.allCases { desk.load([], lane: lane.rawValue, upTo: .max) }
        for (number, lane) in [(1, Lane.bulk), (2, .normal), (3, .urgent), (4, .normal)] {
            desk.insert(referral(UInt64(number), lane: lane))
        }
        var order: [UInt64] = []
        while let next = desk.popFirst() { order.append(next.number) }
        #expect(order == [3, 2, 4, 1])
    }

    @Test("turns go round among the sessions that have credit")
    func turns() throws {
        var desk = Desk()
        for session in UInt32(1)...3 {
            desk.attach(session)
            try desk.grant(session, messages: session == 2 ? 1 : 3, bytes: 100)
        }
        var order: [UInt32] = []
        while let session = desk.nextTaker() {
            order.append(session)
            desk.charge(session, bytes: 10)
        }
        #expect(order == [1, 2, 3, 1, 3, 1, 3])
        #expect(!desk.hasCredit)
    }

    @Test(
        "turns go round among many sessions as among few, whoever comes, goes, is held or spent, seed 47"
    )
    func turnsOfMany() throws {
        var random = SeededGenerator(seed: 47)
        for many in [3, 40] {
            var desk = Desk()
            var credit: [UInt32: Int] = [:]
            var held: Set<UInt32> = []
            var lastTurn: [UInt32: Int] = [:]
            for step in 0..<4_000 {
                let session = UInt32.random(in: 1...UInt32(many), using: &random)
                switch Int.random(in: 0..<12, using: &random) {
                case 0:
                    desk.detach(session)
                    credit[session] = nil
                    held.remove(session)
                    lastTurn = [:]
                case 1:
                    desk.attach(session)
                    credit[session] = credit[session] ?? 0
                case 2 where credit[session] != nil:
                    let isHeld = Bool.random(using: &random)
                    desk.setHeld(isHeld, session)
                    if isHeld { held.insert(session) } else { held.remove(session) }
                    lastTurn = [:]
                case 3...5 where credit[session] != nil:
                    try desk.grant(session, messages: 2, bytes: 1_000)
                    if credit[session] == 0 { lastTurn = [:] }
                    credit[session, default: 0] += 2
                default:
                    let able = credit.filter { $0.value > 0 && !held.contains($0.key) }
                    #expect(desk.hasCredit == !able.isEmpty)
                    guard let next = desk.nextTaker() else {
                        #expect(able.isEmpty)
                        continue
                    }
                    #expect(able[next] != nil)
                    // Nobody who may take something waits for longer than one that has its turn.
                    let longest = able.keys.compactMap { lastTurn[$0] }.min()
                    if let mine = lastTurn[next], let longest { #expect(mine == longest) }
                    lastTurn[next] = step
                    desk.charge(next, bytes: 1)
                    credit[next, default: 0] -= 1
                }
                #expect(desk.takerCount == credit.count)
                for (session, left) in credit { #expect(desk.credit(of: session) == UInt64(left)) }
            }
        }
    }

    @Test("a session is held at so many bytes under way, and free again at half of them")
    func underWay() {
        var underWay = UnderWay()
        let most = Int(UnderWay.bytesMax)
        var changes = [underWay.hand(most - 1), underWay.hand(1 << 20), underWay.hand(5)]
        #expect(changes == [false, true, false] && underWay.isHeld)
        changes = [
            underWay.pass(UInt64(most / 2)), underWay.pass(UInt64(most / 2 + 1 << 20 + 10)),
        ]
        #expect(changes == [false, true] && !underWay.isHeld)
        // What has not been handed out cannot have passed.
        changes = [underWay.pass(.max), underWay.hand(most - 1), underWay.hand(1)]
        #expect(changes == [false, false, true])
    }

    @Test("the windows of many offices are small enough for all of them to fit")
    func manyWindows() {
        #expect(Window.itemsMax(offices: 0) == Window.itemsMax)
        #expect(Window.itemsMax(offices: 1_000) == Window.itemsMax)
        for offices in [10_000, 32_768, 65_536] {
            #expect((16...1 << 20 / offices).contains(Window.itemsMax(offices: offices)))
        }
        var window = Window()
        window.load([], upTo: .max)
        for number in 1...20 { window.insert(referral(UInt64(number)), atMost: 16) }
        #expect(window.horizon == 16 && drain(&window) == Array(1...16))
    }

    @Test("bytes may be overdrawn once, and then bar the session until granted again")
    func overdrawn() throws {
        var desk = Desk()
        desk.attach(1)
        try desk.grant(1, messages: 10, bytes: 5)
        desk.charge(1, bytes: 100)
        #expect(!desk.hasCredit)
        try desk.grant(1, messages: 0, bytes: 95)
        #expect(!desk.hasCredit)
        try desk.grant(1, messages: 0, bytes: 1)
        #expect(desk.hasCredit)
    }

    @Test("credit beyond the limits, or without attaching, is refused and adds nothing")
    func grants() throws {
        var desk = Desk()
        #expect(throws: RefusalCode.notAttached) { try desk.grant(1, messages: 1, bytes: 1) }
        desk.attach(1)
        for (messages, bytes) in [
            (Limits.creditMessagesMax + 1, 0), (0, Limits.creditBytesMax + 1),
            (.max, .max), (1, .max),
        ] as [(UInt64, UInt64)] {
            #expect(throws: RefusalCode.creditTooLarge) {
                try desk.grant(1, messages: messages, bytes: bytes)
            }
        }
        #expect(!desk.hasCredit)
        try desk.grant(1, messages: Limits.creditMessagesMax, bytes: Limits.creditBytesMax)
        #expect(throws: RefusalCode.creditTooLarge) { try desk.grant(1, messages: 1, bytes: 0) }
    }

    @Test("with the last session the desk forgets its windows")
    func detached() {
        var desk = Desk()
        desk.attach(1)
        desk.attach(2)
        for lane in Lane.allCases { desk.load([], lane: lane.rawValue, upTo: .max) }
        desk.insert(referral(1))
        desk.detach(1)
        #expect(desk.laneToLoad == nil && desk.takerCount == 1)
        desk.detach(2)
        desk.insert(referral(2))
        #expect(desk.popFirst() == nil)
        #expect(desk.laneToLoad?.lane == 0)
    }

    // MARK: Leases

    @Test("generations rise, over restarts too")
    func generations() {
        var leases = Leases(epoch: 3)
        let first = leases.grant(referral(1), to: 1, until: 10)
        let second = leases.grant(referral(2), to: 1, until: 10)
        #expect(first > 0 && second > first)
        var later = Leases(epoch: 4)
        #expect(later.grant(referral(1), to: 1, until: 10) > second)
    }

    @Test("leases lapse when their time is over, in order, and stay until ended")
    func lapses() {
        var leases = Leases(epoch: 1)
        #expect(leases.nextLapse == nil)
        for number in [UInt64(3), 1, 2] {
            _ = leases.grant(referral(number), to: UInt32(number), until: Int64(number) * 10)
        }
        #expect(leases.nextLapse == 10)
        #expect(leases.lapsed(at: 9).isEmpty)
        #expect(leases.lapsed(at: 20).map(\.referral.number) == [1, 2])
        leases.end(1)
        guard let ended = leases.end(2) else { return #expect(Bool(false), "no lease to end") }
        #expect(leases.lapsed(at: 29).isEmpty && leases.nextLapse == 30)
        leases.restore(ended)
        #expect(leases.lapsed(at: 20).map(\.referral.number) == [2])
        leases.renew(3, until: 90)
        #expect(leases.lapsed(at: 89).map(\.referral.number) == [2])
        #expect(leases.leases(of: 3).map(\.until) == [90])
        #expect(leases.end(7) == nil && leases.count == 2)
    }
}
