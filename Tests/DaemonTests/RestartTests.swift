// SPDX-License-Identifier: Apache-2.0

import BaridClient
import Control
import Foundation
import Synchronization
import TestKit
import Testing

extension DaemonTests {
    /// Goal: what was acknowledged outlives the daemon, and nothing happens twice.
    ///
    /// Method: end it while cases are submitted and settled, start it again, and count.
    @Suite("survives its end") struct RestartTests {
        enum Way: CaseIterable { case drained, killed }

        private static let caseCount = 1_000
        private static let slip = ["city/first", "city/second", "city/third"]

        @Test(
            "in-flight submits and settles are answered once over a restart",
            arguments: Way.allCases
        )
        func restart(way: Way) async throws {
            let seed = UInt64.random(in: 0 ... .max)
            print("restart while \(way): seed \(seed)")
            var random = SeededGenerator(seed: seed)
            let daemon = try DaemonProcess()
            let bus = try await daemon.connect(settleTimeout: .seconds(60))
            let log = ReceiptLog()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for office in Self.slip {
                    let referrals = try await bus.staff(office)
                    group.addTask { try await Self.work(referrals) }
                }
                // An itinerary may name offices once they are open.
                let submitting = Task {
                    try await Self.submit(over: bus, to: log)
                }
                for _ in 0..<2 {
                    // Never all of them, so that the daemon ends amid the work.
                    let wanted = log.receipts.count + .random(in: 20...300, using: &random)
                    let enough = min(wanted, Self.caseCount - 1)
                    try await eventually { log.receipts.count >= enough }
                    let acknowledged = log.receipts
                    switch way {
                    case .killed: daemon.kill()
                    case .drained: #expect(daemon.terminate() == .exited(0))
                    }
                    try daemon.restart()
                    for receipt in acknowledged {
                        let first = try #require(try daemon.caseView(receipt.caseNumber).acts.first)
                        #expect(first.position == receipt.position)
                        #expect(first.hash.hasPrefix(receipt.hashPrefix))
                    }
                }
                try await submitting.value
                try await eventually { try daemon.status().cases.open == 0 }
                await bus.close()
                try await group.waitForAll()
            }
            let serials = log.receipts.map(\.serial)
            #expect(serials.count == Self.caseCount && Set(serials).count == Self.caseCount)
            try daemon.expectSound(closed: Self.caseCount)
            for number in log.receipts.map(\.caseNumber) {
                let done = try daemon.caseView(number).acts.filter { $0.act == "completed" }
                #expect(done.map(\.office) == Self.slip)
            }
        }

        /// Receipts as they came.
        private final class ReceiptLog: Sendable {
            private let list = Mutex<[Receipt]>([])

            var receipts: [Receipt] { list.withLock { $0 } }
            func add(_ receipt: Receipt) { list.withLock { $0.append(receipt) } }
        }

        private static func submit(over bus: Bus, to log: ReceiptLog) async throws {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for clerk in 0..<20 {
                    group.addTask {
                        for number in 0..<(caseCount / 20) {
                            var submission = Submission(procedure: "itinerary")
                            submission.itinerary = slip
                            submission.reference = "\(clerk)/\(number)"
                            log.add(try await bus.submit(submission, timeout: .seconds(60)))
                        }
                    }
                }
                try await group.waitForAll()
            }
        }

        private static func work(_ referrals: Referrals) async throws {
            try await withThrowingTaskGroup(of: Void.self) { group in
                for try await referral in referrals {
                    group.addTask {
                        do throws(BaridError) {
                            try await referral.complete("forwarded")
                        } catch {
                            // A lease is void after a restart, and the referral comes again.
                            let isLate = [.stale, .unknownReferral, .alreadySettled, .closed]
                                .contains(error.code)
                            #expect(isLate, "\(error)")
                        }
                    }
                }
                try await group.waitForAll()
            }
        }

        @Test("custody outlives a killed daemon; its leases do not")
        func custody() async throws {
            let daemon = try DaemonProcess()
            let bus = try await daemon.connect()
            var submission = Submission(procedure: "itinerary")
            submission.itinerary = ["city/desk"]
            var referrals = try await bus.staff("city/desk").makeAsyncIterator()
            let held = try await bus.submit(submission)
            submission.key = SubmissionKey()
            let leased = try await bus.submit(submission)
            _ = try await referrals.next()?.accept()
            let late = try #require(try await referrals.next())
            daemon.kill()
            try daemon.restart()
            let again = try #require(try await referrals.next())
            #expect(again.serial == leased.serial && again.attempts == 0)
            await #expect { try await late.complete("forwarded") } throws: {
                ($0 as? BaridError)?.code == .stale
            }
            try await again.complete("forwarded")
            let trail = try await bus.track(held.caseNumber)
            let place = try #require(trail.places.first)
            #expect(place.state == "custody")
            try await bus.custody(of: place, in: trail).release()
            let released = try #require(try await referrals.next())
            #expect(released.serial == held.serial)
            try await released.complete("forwarded")
            await bus.close()
            try daemon.expectSound(closed: 2)
        }
    }
}
