// SPDX-License-Identifier: Apache-2.0

internal import Wire

extension RawSession {
    /// What the bus told.
    package struct Event: Sendable {
        /// The kinds of news.
        package enum Kind: Sendable {
            /// A request is done; `number`, `serial`, `subject` and `instant` are set.
            case answered
            /// A request is refused; `number` and `code` are set.
            case refused
            /// A referral; `office`, `subject`, `generation`, `serial`, `code` and `bytes` are set.
            case delivered
        }

        package var kind: Kind
        /// The request answered, or the step delivered.
        package var number: UInt32
        /// Refusal code, or failed attempts.
        package var code: UInt16
        /// Journal position, or referral.
        package var subject: UInt64
        /// Commits of the daemon so far, if it tells them, or the fence of the lease.
        package var generation: UInt64
        /// When it was recorded, in milliseconds since 1970.
        package var instant: Int64
        /// The case.
        package var serial: UInt64
        /// Bytes of credit used.
        package var bytes: UInt64
        /// Whether the answer repeats an earlier one.
        package var isRepeated: Bool
        /// The office a referral came for, counted from 0 in the order of attaching.
        package var office = 0

        /// The news in a header; nil for what a measurement need not know.
        init?(_ header: Header) {
            switch header.verb {
            case .answer: kind = .answered
            case .refusal: kind = .refused
            case .delivery: kind = .delivered
            default: return nil
            }
            number = header.number
            code = header.code
            subject = header.subject
            generation = header.generation
            instant = header.instant
            serial = header.serial
            bytes = UInt64(header.envelopeLength) + UInt64(header.bodyLength)
            isRepeated = header.flags & Header.repeatedFlag != 0
        }
    }
}
