// SPDX-License-Identifier: Apache-2.0
// Goal: what is measured is what was recorded, and a jump of the clock is one. Method: tables.

import Rules
import Testing

@Suite("Measuring and watching")
struct GuardRuleTests {
    @Test("a measurement counts from the least power of two that is no less, and in every larger")
    func histogram() {
        var histogram = LogHistogram()
        for value: Int64 in [-5, 0, 1, 2, 3, 4, 5, 1 << 46, .max] { histogram.record(value) }
        #expect(histogram.count == 9)
        #expect(histogram.count(upTo: 0) == 3)
        #expect(histogram.count(upTo: 1) == 4)
        #expect(histogram.count(upTo: 2) == 6)
        #expect(histogram.count(upTo: 3) == 7)
        #expect(histogram.count(upTo: 46) == 8)
        histogram.record(10, times: 100)
        #expect(histogram.count == 109)
        #expect(histogram.count(upTo: 4) == 107)
    }

    @Test("the sum is that of all measurements, each as often as it was made")
    func sum() {
        var histogram = LogHistogram()
        histogram.record(7)
        histogram.record(-1)
        histogram.record(3, times: 4)
        #expect(histogram.sum == 19)
    }

    @Test("a jump of the wall clock is told once, with its length, and slewing is none")
    func clock() {
        var watch = ClockWatch()
        let base: Int64 = 1_772_352_000_000
        #expect(watch.look(wall: base, monotonic: 5_000, least: 2_000) == nil)
        // Half a millisecond a second faster, for a minute.
        for second: Int64 in 1...60 {
            let wall = base + second * 1_000 + second / 2
            #expect(watch.look(wall: wall, monotonic: 5_000 + second * 1_000, least: 2_000) == nil)
        }
        let forward = base + 61_030 + 3_600_000
        #expect(watch.look(wall: forward, monotonic: 66_000, least: 2_000) == 3_600_000)
        #expect(watch.look(wall: forward + 1_000, monotonic: 67_000, least: 2_000) == nil)
        #expect(watch.look(wall: forward - 58_000, monotonic: 68_000, least: 2_000) == -60_000)
    }
}
