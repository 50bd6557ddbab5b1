// SPDX-License-Identifier: Apache-2.0

import Testing

@testable import Control

/// Goal: what passes through unread is the row and nothing else.
///
/// Method: lines of rows as the daemon writes them, as it may write them, and such that are none.
@Suite("a row is taken from its line unread") struct ReplyTests {
    private func row(in line: String) -> String? {
        Array(line.utf8).withUnsafeBytes { Reply.rowAsWritten(in: $0) }
            .map { String(decoding: $0, as: UTF8.self) }
    }

    @Test(
        "braces and quotes within texts do not end it",
        arguments: [
            #"{}"#, #"{"a":[{"b":{}},[]],"c":1}"#, #"{"a":"}\"{"}"#, #"{"a":"\\","b":"]"}"#,
            #"{"طلب":"}"}"#,
        ]
    )
    func taken(object: String) {
        #expect(row(in: #"{"id":7,"row":\#(object)}"#) == object)
    }

    @Test(
        "a line written in another way, or of something else, is left to be read",
        arguments: [
            "", "{", #"{"id":7,"row":}"#, #"{"id":7,"row":}}"#, #"{"id":7,"row":7}"#,
            #"{"id":7,"row":{"a":1}"#, #"{"id":7,"row":{"a":1},"more":{}}"#,
            #"{"id":7,"row":{"a":"}}"#,
            #"{"row":{"a":1},"id":7}"#, #"{"id":7,"ok":true,"result":{"rows":1}}"#,
            #"{"id":7,"row":{"a":1}} "#, #"{"id":-7,"row":{}}"#,
        ]
    )
    func left(line: String) {
        #expect(row(in: line) == nil)
    }
}
