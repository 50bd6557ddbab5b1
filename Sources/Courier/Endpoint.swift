// SPDX-License-Identifier: Apache-2.0

/// An endpoint the bus may listen at, checked before libzmq sees it.
struct Endpoint {
    let text: String

    /// Bytes of a unix socket's path that the system takes (`sockaddr_un.sun_path` without its
    /// final zero byte).
    static let pathBytesMax = 107

    /// Checks the form and the reach of an endpoint.
    ///
    /// - Throws: `BusFault.endpointInvalid` or `endpointNotLoopback`.
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
        guard host == "127.0.0.1" || host == "[::1]" else { throw .endpointNotLoopback(text) }
    }

    private static func isPort(_ text: Substring) -> Bool {
        // UInt16 alone would also read a sign.
        guard text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
        else { return false }
        return UInt16(text).map { $0 > 0 } ?? false
    }
}
