// SPDX-License-Identifier: Apache-2.0

/// An endpoint the bus may listen at, checked before libzmq sees it.
struct Endpoint {
    let text: String
    /// Whether it is TCP, which machines other than this one may reach.
    var isNetwork: Bool { text.hasPrefix("tcp://") }
    /// Whether it is TCP that only this machine reaches.
    var isLoopback: Bool { text.hasPrefix("tcp://127.0.0.1:") || text.hasPrefix("tcp://[::1]:") }

    /// Bytes of a unix socket's path that the system takes (`sockaddr_un.sun_path` without its
    /// final zero byte).
    static let pathBytesMax = 107

    /// Checks the form of an endpoint.
    ///
    /// - Throws: `BusFault.endpointInvalid`.
    init(_ text: String) throws(BusFault) {
        if text.hasPrefix("ipc://") {
            try Self.check(path: text.dropFirst("ipc://".count), of: text)
        } else if text.hasPrefix("tcp://") {
            try Self.check(address: text.dropFirst("tcp://".count), of: text)
        } else {
            throw .endpointInvalid(text, reason: "it must begin with ipc:// or tcp://")
        }
        self.text = text
    }

    private static func check(path: Substring, of text: String) throws(BusFault) {
        // An abstract name ("@…") has no file, hence no mode that says who may connect.
        guard path.hasPrefix("/") else {
            throw .endpointInvalid(text, reason: "the path of an ipc endpoint must be absolute")
        }
        guard path.utf8.count <= pathBytesMax else {
            throw .endpointInvalid(text, reason: "its path is longer than \(pathBytesMax) bytes")
        }
    }

    private static func check(address: Substring, of text: String) throws(BusFault) {
        guard let colon = address.lastIndex(of: ":") else {
            throw .endpointInvalid(text, reason: "the port is missing")
        }
        let port = address[address.index(after: colon)...]
        guard port == "*" || isPort(port) else {
            throw .endpointInvalid(text, reason: "the port must be 1 to 65535, or * for any")
        }
        let host = address[..<colon]
        guard isHost(host) else {
            throw .endpointInvalid(
                text,
                reason: "the address must be an IPv4 address, an IPv6 address in brackets, a name "
                    + "or * for all"
            )
        }
    }

    private static func isHost(_ host: Substring) -> Bool {
        if host == "*" { return true }
        if host.hasPrefix("["), host.hasSuffix("]") {
            return host.count > 2
                && host.dropFirst().dropLast().allSatisfy {
                    $0.isHexDigit || $0 == ":" || $0 == "."
                }
        }
        return !host.isEmpty
            && host.utf8.allSatisfy { byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "."), UInt8(ascii: "-"):
                    true
                default: false
                }
            }
    }

    private static func isPort(_ text: Substring) -> Bool {
        // UInt16 alone would also read a sign.
        guard text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
        else { return false }
        return UInt16(text).map { $0 > 0 } ?? false
    }
}
