// SPDX-License-Identifier: Apache-2.0

import Wire

/// A request as its sender remembers it.
struct LoggedAsk {
    var verb: Verb
    var agency: String
    var key = Identifier.none
    var referral: UInt64 = 0
    var generation: UInt64 = 0
    var serial: UInt64 = 0
    var code: UInt16 = 0
    /// Offices of a referral or an itinerary.
    var offices: [String] = []
    var procedure = ""
    var action = ""
    var lane: UInt8 = 0
    /// Receipts the sender had when it asked, of all senders.
    var receiptsBefore = 0
    /// Whether an answer or a final refusal was told.
    var isResolved = false
    var receipt: ToldReceipt?
}

/// A receipt as it was told.
struct ToldReceipt: Equatable {
    var position: UInt64
    var hash: Identifier
    var serial: UInt64
    var recordedAt: Int64
}

/// Everything the senders of a history know: what they asked and what they were told.
struct ClientLog {
    var asks: [LoggedAsk] = []
    /// Requests with receipts, in the order they were told.
    var receipts: [Int] = []
    /// Referrals with the generations they were delivered under.
    var deliveries: Set<[UInt64]> = []

    /// Takes in a receipt.
    ///
    /// - Throws: A violation if the request had another receipt before.
    mutating func told(_ receipt: ToldReceipt, of ask: Int) throws {
        if let first = asks[ask].receipt {
            guard first == receipt else {
                throw Violation(.twice, "\(asks[ask]) was answered again with \(receipt)")
            }
            return
        }
        asks[ask].receipt = receipt
        asks[ask].isResolved = true
        receipts.append(ask)
    }
}
