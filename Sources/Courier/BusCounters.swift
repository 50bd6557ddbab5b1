// SPDX-License-Identifier: Apache-2.0

/// What the bus did since it started, as of the last sweep (once a second).
package struct BusCounters: Sendable, Equatable {
    /// Sweeps so far, one a second; a number that stands still is a bus that does.
    package var sweeps: UInt64 = 0
    /// When the last sweep was, on the bus's clock, in milliseconds.
    package var sweptAt: Int64 = 0
    /// Sessions in the table now, opening and leaving ones included.
    package var sessions = 0
    /// Packets received, broken ones included.
    package var packetsIn: UInt64 = 0
    /// Packets handed to the network.
    package var packetsOut: UInt64 = 0
    /// Bytes of packets received.
    package var bytesIn: UInt64 = 0
    /// Bytes of packets handed to the network.
    package var bytesOut: UInt64 = 0
    /// Operations forwarded to the ledger.
    package var operations: UInt64 = 0
    /// Batches handed to the ledger.
    package var batches: UInt64 = 0
    /// Refusals told, whether the courier or the ledger refused.
    package var refusals: UInt64 = 0
    /// Frames that were not kept: of multipart messages and of peers that chose their own id.
    package var droppedFrames: UInt64 = 0
    /// Packets that their receiver could not take: best effort ones, or because it had gone.
    package var droppedPackets: UInt64 = 0
    /// Deliveries reported to the ledger as undelivered.
    package var undelivered: UInt64 = 0

    /// Events published that are not durable.
    package var eventsPublished: UInt64 = 0
    /// Durable events that the ledger fed.
    package var eventsFed: UInt64 = 0
    /// Events told to live subscriptions, each subscription counted.
    package var eventsDelivered: UInt64 = 0
    /// Events that live subscriptions were too slow for, each subscription counted.
    package var eventsLeftOut: UInt64 = 0
    /// Live subscriptions now.
    package var subscriptions = 0
    /// Questions that are not durable and open now.
    package var questions = 0
    /// Questions that were answered, refused or lapsed.
    package var questionsClosed: UInt64 = 0

    /// All zero.
    package init() {}
}
