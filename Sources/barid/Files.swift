// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import Glibc

/// The bytes of a file, or of standard input for `-`; at most 256 MiB.
func readFile(_ path: String) throws -> [UInt8] {
    let descriptor = path == "-" ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else {
        throw leaving("\(path) cannot be read: \(String(cString: strerror(errno))).", .badData)
    }
    defer { if path != "-" { close(descriptor) } }
    var content: [UInt8] = []
    var block = [UInt8](repeating: 0, count: 65_536)
    while true {
        let count = read(descriptor, &block, block.count)
        if count < 0, errno == EINTR { continue }
        guard count >= 0 else {
            throw leaving("\(path) cannot be read: \(String(cString: strerror(errno))).", .badData)
        }
        guard count > 0 else { return content }
        content.append(contentsOf: block[..<count])
        guard content.count <= 256 << 20 else {
            throw leaving("\(path) is larger than 256 MiB.", .badData)
        }
    }
}
