// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// `SO_PEERGROUPS` of the kernel's headers, which Glibc does not name.
private let peerGroupsOption: Int32 = 59

extension UnixStream {
    /// The supplementary groups of who connected, as the kernel noted them then.
    ///
    /// Not those of the user database, which may have changed and may be slow to ask.
    ///
    /// - Throws: `SystemFault` if the kernel does not say.
    package var peerGroups: [UInt32] {
        get throws(SystemFault) {
            // Linux admits 65 536 groups; most have fewer than these.
            var groups = [UInt32](repeating: 0, count: 64)
            while true {
                var size = socklen_t(groups.count * MemoryLayout<UInt32>.size)
                let status = groups.withUnsafeMutableBytes {
                    getsockopt(fileDescriptor, SOL_SOCKET, peerGroupsOption, $0.baseAddress, &size)
                }
                let count = Int(size) / MemoryLayout<UInt32>.size
                guard status != 0 else { return Array(groups[..<count]) }
                guard errno == ERANGE, count > groups.count else {
                    throw .latest("ask in which groups who connected is")
                }
                groups = [UInt32](repeating: 0, count: count)
            }
        }
    }
}

/// The groups of this system.
package enum SystemGroup {
    /// The number of a group, given by name or by number.
    ///
    /// - Throws: `SystemFault` with `ENOENT` if there is none of this name.
    package static func number(of name: String) throws(SystemFault) -> UInt32 {
        if let number = UInt32(name) { return number }
        var entry = group()
        var found: UnsafeMutablePointer<group>?
        // Room for the names of many members.
        var texts = [CChar](repeating: 0, count: 1 << 20)
        let status = getgrnam_r(name, &entry, &texts, texts.count, &found)
        guard status == 0, found != nil else {
            throw SystemFault(
                errno: status == 0 ? ENOENT : status,
                operation: "find the group",
                path: name,
                advice: "Make it with groupadd, or name another."
            )
        }
        return entry.gr_gid
    }
}
