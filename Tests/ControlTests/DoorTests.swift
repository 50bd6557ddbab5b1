// SPDX-License-Identifier: Apache-2.0

@testable import Control
import Glibc
import Testing

/// Goal: who is let in does not rest on the mode of a file alone.
@Suite("Who may use the sockets")
struct DoorTests {
    /// Neither root's nor that of whoever runs the tests.
    private let stranger = geteuid() + 4_711

    @Test("root and the daemon's own user may, whatever the group")
    func owners() {
        for door in [ControlDoor(.control), ControlDoor(.observe, group: 7)] {
            #expect(door.admits(user: 0, groups: []))
            #expect(door.admits(user: geteuid(), groups: []))
        }
    }

    @Test("others may by their group only, and by none where there is none")
    func groups() {
        let door = ControlDoor(.observe, group: 7)
        #expect(door.admits(user: stranger, groups: [3, 7]))
        #expect(!door.admits(user: stranger, groups: [3, 8]))
        #expect(!ControlDoor(.control).admits(user: stranger, groups: [0, 3, 7]))
    }
}
