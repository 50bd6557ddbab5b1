// SPDX-License-Identifier: Apache-2.0

internal import Wire

/// The caller's end of something that stands: it is given up when the last reference is dropped.
final class Post: Sendable {
    let key: Int
    let tray = Tray<News>()
    let loop: BusLoop

    init(key: Int, loop: BusLoop) {
        self.key = key
        self.loop = loop
    }

    deinit { loop.post(.leave(key)) }

    /// Gives it up now: iterations end.
    func leave() { loop.post(.leave(key)) }
}

/// What one iteration holds at the moment; its credit goes back when the hand is emptied, at the
/// latest when the iteration is dropped.
final class Hand {
    private let key: Int
    private let loop: BusLoop
    private var held: (session: UInt64, bytes: UInt64)?

    init(key: Int, loop: BusLoop) {
        self.key = key
        self.loop = loop
    }

    deinit { empty() }

    func take(session: UInt64, bytes: UInt64) { held = (session, bytes) }

    func empty() {
        guard let (session, bytes) = held.take() else { return }
        loop.post(.consumed(desk: key, session: session, bytes: bytes))
    }
}
