// SPDX-License-Identifier: Apache-2.0
// Goal: keys are what libzmq takes them for, and a request proves what it says and nothing else.
// Method: libzmq as the oracle for keys and Z85; every changed byte of a request.

import CZeroMQ
import Keys
import Platform
import TestKit
import Testing
import Wire

@Suite("Keys")
struct KeysTests {
    let directory = TemporaryDirectory()

    @Test("Z85 is that of libzmq, both ways")
    func z85() throws {
        var random = SeededGenerator(seed: 85)
        for _ in 0..<500 {
            let bytes = (0..<32).map { _ in UInt8.random(in: 0...255, using: &random) }
            var text = [CChar](repeating: 0, count: 41)
            zmq_z85_encode(&text, bytes, 32)
            let theirs = String(decoding: text.dropLast().map { UInt8($0) }, as: UTF8.self)
            #expect(Z85.text(of: bytes) == theirs)
            #expect(Z85.bytes(of: theirs) == bytes)
        }
        #expect(Z85.bytes(of: "HelloWorld") == [0x86, 0x4F, 0xD2, 0x6F, 0xB5, 0x59, 0xF7, 0x5B])
        for bad in ["Hello World", "Hell", "####\"", "#####", "%nSc1", "héllo"] {
            #expect(Z85.bytes(of: bad) == nil, "\(bad)")
        }
    }

    @Test("a secret half has the public half that libzmq gives it")
    func halves() throws {
        for _ in 0..<20 {
            let pair = KeyPair()
            var text = [CChar](repeating: 0, count: 41)
            #expect(zmq_curve_public(&text, Z85.text(of: pair.secret)) == 0)
            let theirs = String(decoding: text.dropLast().map { UInt8($0) }, as: UTF8.self)
            #expect(pair.publicKey.z85 == theirs)
            #expect(!"\(pair)".contains(Z85.text(of: pair.secret)))
        }
    }

    @Test("a fingerprint is six groups of five digits, the same in both scripts")
    func fingerprint() throws {
        let key = try #require(PublicKey([UInt8](repeating: 7, count: 32)))
        let fingerprint = Fingerprint(of: key)
        #expect("\(fingerprint)".split(separator: " ").map(\.count) == [5, 5, 5, 5, 5, 5])
        #expect(fingerprint.arabic.count == "\(fingerprint)".count)
        let latin = fingerprint.arabic.map { $0.wholeNumberValue.map { String($0) } ?? " " }
        #expect(latin.joined() == "\(fingerprint)")
        #expect(fingerprint.arabic != "\(fingerprint)")
        let other = try #require(PublicKey([UInt8](repeating: 7, count: 31) + [8]))
        #expect(Fingerprint(of: other) != fingerprint)
    }

    @Test("a key file can be read back, is its owner's alone, and is never overwritten")
    func file() throws {
        let path = directory.path + "/server.key"
        let pair = KeyPair()
        try KeyFile.write(pair, to: path)
        #expect(try KeyFile.readPair(path).secret == pair.secret)
        #expect(throws: KeyFault.self) { try KeyFile.write(KeyPair(), to: path) }
        #expect(try KeyFile.readPair(path).secret == pair.secret)
        #expect(throws: KeyFault.self) { try KeyFile.readPublicKey(path) }
    }

    @Test("a public key is given as a file or as its 40 characters")
    func given() throws {
        let path = directory.path + "/server.pub"
        let key = KeyPair().publicKey
        try KeyFile.write(key, to: path)
        #expect(try KeyFile.publicKey(given: path) == key)
        #expect(try KeyFile.publicKey(given: key.z85) == key)
        #expect(throws: KeyFault.self) { try KeyFile.publicKey(given: path + "x") }
    }

    @Test("a secret that others may read is refused, unless something else guards it")
    func readable() throws {
        let path = directory.path + "/server.key"
        let pair = KeyPair()
        try KeyFile.write(pair, to: path)
        try NewFile.write(
            try SmallFile.read(path, bytesMax: 4_096, isSecret: true),
            to: path + ".copy",
            mode: 0o640
        )
        let fault = #expect(throws: KeyFault.self) { try KeyFile.readPair(path + ".copy") }
        #expect(fault?.description.contains("chmod 600") == true)
        #expect(try KeyFile.readPair(path + ".copy", isGuarded: true).secret == pair.secret)
    }

    @Test("a request proves to its daemon that its maker holds the key")
    func request() throws {
        let server = KeyPair()
        let request = try KeyRequest(
            agency: "city",
            pair: KeyPair(),
            server: server.publicKey,
            made: 1_772_352_000_000,
            note: "permits-backend, مكتب"
        )
        let read = try KeyRequest(reading: request.text)
        #expect(read == request)
        #expect(throws: Never.self) { try read.check(by: server) }
        #expect(throws: KeyFault.otherServer(server.publicKey.z85)) {
            try read.check(by: KeyPair())
        }
    }

    @Test("no request with a changed byte is believed")
    func changed() throws {
        let server = KeyPair()
        let text = try KeyRequest(
            agency: "city",
            pair: KeyPair(),
            server: server.publicKey,
            made: 1_772_352_000_000,
            note: "backend"
        ).text
        let bytes = Array(text.utf8)
        for place in bytes.indices {
            for bit in [0, 1, 5] {
                var changed = bytes
                changed[place] ^= 1 << UInt8(bit)
                #expect(throws: KeyFault.self, "byte \(place), bit \(bit)") {
                    try KeyRequest(reading: String(decoding: changed, as: UTF8.self))
                        .check(by: server)
                }
            }
        }
        for end in bytes.indices {
            #expect(throws: KeyFault.self) {
                try KeyRequest(reading: String(decoding: bytes[..<end], as: UTF8.self))
            }
        }
    }

    @Test("nobody can request another's key, nor a key of low order")
    func foreign() throws {
        let server = KeyPair()
        let victim = KeyPair()
        let mine = try KeyRequest(
            agency: "thief",
            pair: KeyPair(),
            server: server.publicKey,
            made: 1,
            note: ""
        ).text
        let lines = mine.split(separator: "\n", omittingEmptySubsequences: false)
        let forged = lines.map {
            $0.hasPrefix("public: ") ? "public: \(victim.publicKey.z85)" : String($0)
        }.joined(separator: "\n")
        #expect(throws: KeyFault.unproven) {
            try KeyRequest(reading: forged).check(by: server)
        }
        let zero = try #require(PublicKey([UInt8](repeating: 0, count: 32)))
        let low = lines.map {
            $0.hasPrefix("public: ") ? "public: \(zero.z85)" : String($0)
        }.joined(separator: "\n")
        #expect(throws: KeyFault.unproven) { try KeyRequest(reading: low).check(by: server) }
    }
}
