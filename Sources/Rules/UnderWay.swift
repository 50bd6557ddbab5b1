// SPDX-License-Identifier: Apache-2.0

/// What was handed out to one session and has not passed the courier yet.
///
/// Credit says what a session will take; a network that is slower than the ledger takes it later. What
/// is handed out meanwhile would wait in memory, so no more of it is than `bytesMax`: then the session
/// is *held*, and others are served, until half of it has passed.
package struct UnderWay: Sendable {
    /// Bytes of envelopes and bodies under way at which a session is held.
    ///
    /// The last one handed out may exceed it.
    package static let bytesMax: UInt64 = 8 << 20

    private var handed: UInt64 = 0
    private var passed: UInt64 = 0
    /// Whether nothing further may be handed out.
    package private(set) var isHeld = false

    /// Nothing.
    package init() {}

    /// Counts what is handed out; whether the session is held from now on.
    package mutating func hand(_ bytes: Int) -> Bool {
        handed += UInt64(bytes)
        guard !isHeld, handed - passed >= Self.bytesMax else { return false }
        isHeld = true
        return true
    }

    /// Takes in how many bytes have passed since the session began; whether it is no longer held.
    package mutating func pass(_ bytes: UInt64) -> Bool {
        passed = max(passed, min(bytes, handed))
        guard isHeld, handed - passed <= Self.bytesMax / 2 else { return false }
        isHeld = false
        return true
    }
}
