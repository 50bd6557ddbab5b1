// SPDX-License-Identifier: Apache-2.0

internal import Crypto
internal import Platform

/// Binds a plan to what it selects and to who asked for it, so that only this plan can be carried
/// out, only by them, and only while the selection is what it was.
package struct PlanToken: Sendable {
    /// How long a plan may be carried out, in seconds.
    package static let seconds: Int64 = 300

    private let secret: SymmetricKey

    /// A maker of tokens whose tokens are worth nothing to any other.
    package init() { secret = SymmetricKey(data: randomBytes(32)) }

    /// The token of a plan.
    ///
    /// - Parameters:
    ///   - act: What is to be done, with all its arguments.
    ///   - items: What is selected, in order.
    ///   - uid: The user who asked for the plan.
    ///   - expires: Until when it may be done, in seconds since 1970.
    /// - Returns: The time and 24 hexadecimal digits.
    package func token(
        of act: String,
        on items: [UInt64],
        for uid: UInt32,
        expires: Int64
    ) -> String {
        var code = HMAC<SHA256>(key: secret)
        let words = [UInt64(bitPattern: expires), UInt64(uid), UInt64(act.utf8.count)]
        for word in words { withUnsafeBytes(of: word.bigEndian) { code.update(data: $0) } }
        code.update(data: Array(act.utf8))
        for item in items { withUnsafeBytes(of: item.bigEndian) { code.update(data: $0) } }
        let digits = code.finalize().prefix(12).map { byte in
            String(byte >> 4, radix: 16) + String(byte & 15, radix: 16)
        }
        return String(expires, radix: 36) + "-" + digits.joined()
    }

    /// Whether a token is that of a plan of this user and its time is not over.
    package func isGood(
        _ token: String,
        of act: String,
        on items: [UInt64],
        for uid: UInt32,
        now: Int64
    ) -> Bool {
        guard let text = token.split(separator: "-").first,
            let expires = Int64(text, radix: 36), now <= expires, expires <= now + Self.seconds
        else { return false }
        return token == self.token(of: act, on: items, for: uid, expires: expires)
    }
}
