// SPDX-License-Identifier: Apache-2.0

internal import Wire

/// The envelopes of the refusals and farewells the courier itself tells, encoded once.
struct RefusalTexts {
    private let envelopes: [RefusalCode: [UInt8]]

    init() {
        var envelopes: [RefusalCode: [UInt8]] = [:]
        for code in RefusalCode.allCases {
            var refused = Envelope.Refused()
            refused.text = code.text
            envelopes[code] = Envelope.bytes(of: refused)
        }
        self.envelopes = envelopes
    }

    /// The envelope of a refusal with this code.
    func envelope(of code: RefusalCode) -> [UInt8] { envelopes[code] ?? [] }
}
