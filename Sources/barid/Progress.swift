// SPDX-License-Identifier: Apache-2.0

internal import BaridClient

/// How far a case has come.
struct Progress: Equatable, Sendable {
    /// Visits completed.
    var visitCount = 0
    var isClosed = false
    /// Whether it stands in the dead letters and goes on only when somebody lets it.
    var isDead = false

    init() {}

    /// What a trail tells.
    init(_ trail: Trail) {
        visitCount = trail.acts.count { $0.act == "completed" }
        isClosed = trail.isClosed
        isDead = trail.places.contains { $0.state == "dead" }
    }
}
