// SPDX-License-Identifier: Apache-2.0

/// One staffed office, and what was delivered for it and not yet handed out.
final class Desk: Sendable {
    let number: Int
    let office: String
    let tray = Tray<Delivery>()

    init(number: Int, office: String) {
        self.number = number
        self.office = office
    }
}
