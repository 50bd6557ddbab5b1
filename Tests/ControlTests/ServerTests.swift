// SPDX-License-Identifier: Apache-2.0

import Control
import Glibc
import Platform
import Testing
import TestKit

private let officeList = #"{"v":1,"id":7,"cmd":"office.list"}"#
private let verify = #"{"v":1,"id":8,"cmd":"verify"}"#

@Suite("The control server")
struct ServerTests {
    @Test("a request that drips in byte by byte is answered as a whole one")
    func drip() throws {
        let bench = try ServerBench()
        var whole = try Peer(path: bench.path)
        let expected = try whole.reply(to: verify)
        var peer = try Peer(path: bench.path)
        for byte in verify.utf8 { try peer.send([byte]) }
        try peer.send("\n")
        #expect(try peer.line() == expected)
    }

    @Test("requests sent at once are answered in order")
    func pipelined() throws {
        let bench = try ServerBench()
        var peer = try Peer(path: bench.path)
        try peer.send("\(officeList)\n\r\n\(verify)\n")
        #expect(try peer.line()?.hasPrefix(#"{"id":7,"row":"#) == true)
        #expect(try peer.line()?.hasPrefix(#"{"id":7,"row":"#) == true)
        #expect(try peer.line() == #"{"id":7,"ok":true,"result":{"rows":2}}"#)
        #expect(try peer.line()?.hasPrefix(#"{"id":8,"ok":true"#) == true)
    }

    @Test("a line beyond the limit is refused, and the next one is answered")
    func oversized() throws {
        let bench = try ServerBench { $0.requestBytesMax = 1000 }
        var peer = try Peer(path: bench.path)
        let refusal = #"{"code":"requestTooLarge","exit":65,"id":0,"ok":false,"#
        #expect(
            try peer.reply(to: String(repeating: "x", count: 200_000))?.hasPrefix(refusal) == true
        )
        #expect(try peer.reply(to: verify)?.hasPrefix(#"{"id":8,"ok":true"#) == true)
        let fitting = verify + String(repeating: " ", count: 1000 - verify.utf8.count)
        #expect(try peer.reply(to: fitting)?.hasPrefix(#"{"id":8,"ok":true"#) == true)
        #expect(try peer.reply(to: fitting + " ")?.hasPrefix(refusal) == true)
    }

    private static let refusals: [(String, Int, String, Int)] = [
        ("nonsense", 0, "malformed", 64),
        ("[]", 0, "malformed", 64),
        ("7", 0, "malformed", 64),
        (#"{"v":1,"id":3}"#, 3, "malformed", 64),
        (#"{"v":"1","id":3,"cmd":"status"}"#, 3, "malformed", 64),
        (#"{"v":1,"id":1e99,"cmd":"status"}"#, 0, "malformed", 64),
        (#"{"v":1,"id":3,"cmd":"status","args":5}"#, 3, "malformed", 64),
        (#"{"v":1,"id":3,"cmd":"case.show","args":{}}"#, 3, "malformed", 64),
        (#"{"v":1,"id":3,"cmd":"case.show","args":{"number":7}}"#, 3, "malformed", 64),
        (#"{"v":2,"id":3,"cmd":"status"}"#, 3, "wrongVersion", 64),
        (#"{"v":1,"id":3,"cmd":"office.close"}"#, 3, "unknownCommand", 64),
        (#"{"v":1,"id":3,"cmd":"status","arg":{}}"#, 3, "unknownKey", 64),
        (#"{"v":1,"id":3,"cmd":"status","args":{"x":1}}"#, 3, "unknownKey", 64),
        (
            #"{"v":1,"id":3,"cmd":"dead.retry","args":{"all":true,"offcie":"a/b"}}"#, 3,
            "unknownKey", 64
        ),
        (#"{"v":1,"id":3,"cmd":"dead.retry","args":{},"reason":"x"}"#, 3, "badSelection", 64),
        (
            #"{"v":1,"id":3,"cmd":"dead.close","args":{"all":true,"referral":4}}"#, 3,
            "badSelection", 64
        ),
        (
            #"{"v":1,"id":3,"cmd":"dead.close","args":{"referral":4,"office":"a/b"}}"#, 3,
            "badSelection", 64
        ),
        (#"{"v":1,"id":3,"cmd":"dead.close","args":{"referral":4}}"#, 3, "reasonMissing", 64),
        (
            #"{"v":1,"id":3,"cmd":"dead.close","args":{"referral":4},"reason":""}"#, 3,
            "reasonMissing", 64
        ),
        (
            #"{"v":1,"id":3,"cmd":"agency.backdating","args":{"agency":"a","allowed":true}}"#,
            3, "reasonMissing", 64
        ),
    ]

    @Test(
        "what is not a request is refused with a code, and the connection kept",
        arguments: refusals
    )
    func refused(request: String, id: Int, code: String, exit: Int) throws {
        let bench = try ServerBench()
        var peer = try Peer(path: bench.path)
        let prefix = #"{"code":"\#(code)","exit":\#(exit),"id":\#(id),"ok":false,"text":""#
        let reply = try #require(try peer.reply(to: request))
        #expect(reply.hasPrefix(prefix), "\(reply)")
        #expect(try peer.reply(to: verify)?.hasPrefix(#"{"id":8,"ok":true"#) == true)
        #expect(bench.commands.acts == [], "a refused request did something")
    }

    @Test("a reason beyond its limit is refused")
    func reasonTooLong() throws {
        let bench = try ServerBench()
        var peer = try Peer(path: bench.path)
        func request(_ count: Int) -> String {
            let reason = String(repeating: "r", count: count)
            return #"{"v":1,"id":3,"cmd":"dead.close","args":{"referral":4},"reason":"\#(reason)"}"#
        }
        #expect(try peer.reply(to: request(1000))?.hasPrefix(#"{"id":3,"ok":true"#) == true)
        #expect(try peer.reply(to: request(1001))?.contains(#""reasonTooLong""#) == true)
        #expect(bench.commands.acts.count == 1)
    }

    @Test("nesting as deep as a line allows is refused, not fatal")
    func deep() throws {
        let bench = try ServerBench()
        var peer = try Peer(path: bench.path)
        for opening in ["[", #"{"a":"#] {
            let deep = String(repeating: opening, count: 100_000)
            for request in [deep, #"{"v":1,"id":1,"cmd":"status","args":\#(deep)"#] {
                #expect(try peer.reply(to: request)?.contains(#""ok":false"#) == true)
            }
        }
        #expect(try peer.reply(to: verify)?.hasPrefix(#"{"id":8,"ok":true"#) == true)
    }

    @Test("arbitrary bytes and damaged requests never stop the server")
    func fuzz() throws {
        let seed = UInt64.random(in: 0...UInt64.max)
        print("seed \(seed)")
        var random = SeededGenerator(seed: seed)
        let bench = try ServerBench()
        var peer = try Peer(path: bench.path)
        let sound = Array(
            #"{"v":1,"id":9,"cmd":"dead.list","args":{"office":"a/b"},"reason":null}"#.utf8
        )
        for _ in 0..<2000 {
            var bytes = sound
            for _ in 0..<Int.random(in: 1...4, using: &random) {
                bytes[Int.random(in: bytes.indices, using: &random)] = UInt8.random(
                    in: 0...255,
                    using: &random
                )
            }
            try peer.send(bytes.filter { $0 != UInt8(ascii: "\n") } + [UInt8(ascii: "\n")])
            var line = try #require(try peer.line(), "seed \(seed)")
            while line.contains(#""row":"#) { line = try #require(try peer.line()) }
            #expect(line.contains(#""ok":"#), "seed \(seed)")
        }
    }

    @Test("one connection too many is told so, and admitted once another has gone")
    func tooManyConnections() throws {
        let bench = try ServerBench()
        var others: [PeerBox] = []
        for _ in 0..<32 {
            let other = PeerBox(try Peer(path: bench.path))
            #expect(try other.peer.reply(to: verify) != nil)
            others.append(other)
        }
        var extra = try Peer(path: bench.path)
        #expect(
            try extra.line()?.hasPrefix(#"{"code":"tooManyConnections","exit":75,"id":0"#) == true
        )
        #expect(try extra.line() == nil)

        others.removeLast()
        var isAdmitted = false
        for _ in 0..<100_000 where !isAdmitted {
            var next = try Peer(path: bench.path)
            // A refused peer may find the connection closed already.
            isAdmitted = (try? next.reply(to: verify))??.contains(#""ok":true"#) ?? false
        }
        #expect(isAdmitted)
    }

    @Test("a request that does not come to its end in time ends the connection, with a word")
    func idle() throws {
        let bench = try ServerBench { $0.requestMilliseconds = 50 }
        for beginning in ["", "{"] {
            var peer = try Peer(path: bench.path)
            try peer.send(beginning)
            #expect(try peer.line()?.hasPrefix(#"{"code":"idle","exit":75,"id":0"#) == true)
            #expect(try peer.line() == nil)
        }
    }

    @Test("bytes that drip in do not prolong the time for a request")
    func dripForever() throws {
        let bench = try ServerBench { $0.requestMilliseconds = 50 }
        let peer = try Peer(path: bench.path)
        var isClosed = false
        // The bound only ends the test where the server never closes; sends pace each other.
        for _ in 0..<5_000_000 where !isClosed {
            isClosed = (try? peer.send(" ")) == nil
        }
        #expect(isClosed)
    }

    @Test("a line cut off by its sender is refused")
    func cutOff() throws {
        let bench = try ServerBench()
        var peer = try Peer(path: bench.path)
        try peer.send(verify)
        peer.endSending()
        #expect(try peer.line()?.hasPrefix(#"{"code":"malformed""#) == true)
        #expect(try peer.line() == nil)
    }

    @Test("who acts, and why, is told to the daemon as the kernel and the operator say it")
    func identity() throws {
        let bench = try ServerBench()
        var peer = try Peer(path: bench.path)
        _ = try peer.reply(
            to: #"{"v":1,"id":1,"cmd":"dead.retry","args":{"number":"1-2"},"reason":"صيانة"}"#
        )
        let identity = OperatorIdentity(uid: geteuid(), gid: getegid(), pid: getpid())
        #expect(
            bench.commands.acts == [
                StubCommands.Act(
                    what: #"retry caseNumber("1-2")"#,
                    identity: identity,
                    reason: "صيانة"
                )
            ]
        )
    }

    @Test("a fault after the first rows is still the one final line")
    func lateFault() throws {
        let bench = try ServerBench()
        var peer = try Peer(path: bench.path)
        let request = #"{"v":1,"id":5,"cmd":"dead.list","args":{"office":"city/broken"}}"#
        #expect(try peer.reply(to: request)?.hasPrefix(#"{"id":5,"row":"#) == true)
        #expect(try peer.line()?.hasPrefix(#"{"code":"unavailable","exit":75,"id":5"#) == true)
        #expect(try peer.reply(to: verify)?.hasPrefix(#"{"id":8,"ok":true"#) == true)
    }

    @Test("stopping ends idle connections and removes the socket")
    func stop() throws {
        let bench = try ServerBench()
        var peer = try Peer(path: bench.path)
        #expect(try peer.reply(to: verify) != nil)
        bench.server.stop()
        #expect(try peer.line() == nil)
        #expect(access(bench.path, F_OK) != 0)
    }

    @Test("stopping does not wait for an operator who leaves an answer unread")
    func stopUnread() throws {
        let bench = try ServerBench(traceCount: 1_000_000)
        var peer = try Peer(path: bench.path)
        #expect(
            try peer.reply(to: #"{"v":1,"id":1,"cmd":"export.traces"}"#)?
                .hasPrefix(#"{"id":1,"row""#) == true
        )
        bench.server.stop()
    }

    @Test(
        "the socket is open to its owner, and to one group where it has one",
        arguments: [true, false]
    )
    func mode(hasGroup: Bool) throws {
        let bench = try ServerBench(door: ControlDoor(.observe, group: hasGroup ? getegid() : nil))
        var entry = stat()
        #expect(lstat(bench.path, &entry) == 0)
        #expect(entry.st_mode & 0o7777 == (hasGroup ? 0o660 : 0o600))
        #expect(entry.st_gid == getegid())
    }

    @Test("observe.sock answers what only shows, and refuses all else with a code")
    func observing() throws {
        let bench = try ServerBench(door: ControlDoor(.observe))
        var peer = try Peer(path: bench.path)
        #expect(try peer.reply(to: verify)?.hasPrefix(#"{"id":8,"ok":true"#) == true)
        for command in CommandName.allCases {
            let request =
                #"{"v":1,"id":3,"cmd":"\#(command.rawValue)","args":{"x":1},"reason":"r"}"#
            let reply = try #require(try peer.reply(to: request))
            let code = command.isObservable ? "unknownKey" : "observeOnly"
            #expect(reply.contains(#""code":"\#(code)""#), "\(reply)")
        }
        #expect(bench.commands.acts.isEmpty, "a refused request did something")
    }

    @Test("events go on with what comes until the operator leaves, and then the server can stop")
    func following() throws {
        let bench = try ServerBench()
        var peer = try Peer(path: bench.path)
        let request = #"{"v":1,"id":9,"cmd":"events","args":{"after":309,"follow":true}}"#
        #expect(try peer.reply(to: request)?.contains(#""position":310"#) == true)
        #expect(try peer.line()?.contains(#""position":311"#) == true)
        bench.server.stop()
        #expect(try peer.line()?.contains(#""code":"stopping""#) == true)
    }
}

/// Lets a peer stand in an array.
private final class PeerBox {
    var peer: Peer

    init(_ peer: consuming Peer) { self.peer = peer }
}
