// SPDX-License-Identifier: Apache-2.0

package import Wire

/// A request as its sender remembers it.
package struct LoggedAsk {
    package var verb: Verb
    package var agency: String
    package var key = Identifier.none
    package var referral: UInt64 = 0
    package var generation: UInt64 = 0
    package var serial: UInt64 = 0
    package var code: UInt16 = 0
    /// Offices of a referral or an itinerary.
    package var offices: [String] = []
    package var procedure = ""
    package var action = ""
    package var lane: UInt8 = 0
    /// Receipts the sender had when it asked, of all senders.
    package var receiptsBefore = 0
    /// Whether an answer or a final refusal was told.
    package var isResolved = false
    package var receipt: ToldReceipt?

    package init(verb: Verb, agency: String) {
        self.verb = verb
        self.agency = agency
    }
}

/// A receipt as it was told.
package struct ToldReceipt: Equatable {
    package var position: UInt64
    package var hash: Identifier
    package var serial: UInt64
    package var recordedAt: Int64

    package init(position: UInt64, hash: Identifier, serial: UInt64, recordedAt: Int64) {
        self.position = position
        self.hash = hash
        self.serial = serial
        self.recordedAt = recordedAt
    }
}

/// Everything the senders of a history know: what they asked and what they were told.
package struct ClientLog {
    package var asks: [LoggedAsk] = []
    /// Requests with receipts, in the order they were told.
    package var receipts: [Int] = []
    /// Referrals with the generations they were delivered under.
    package var deliveries: Set<[UInt64]> = []

    /// Takes in a receipt.
    ///
    /// - Throws: A violation if the request had another receipt before.
    package mutating func told(_ receipt: ToldReceipt, of ask: Int) throws {
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
