// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// Names of files in a directory.
package enum FileNames {
    /// The names that end with a suffix and do not begin with a dot, in order.
    ///
    /// - Returns: None if there is no such directory.
    /// - Throws: `SystemFault` if it cannot be read.
    package static func list(
        _ directory: String,
        endingWith suffix: String
    ) throws(SystemFault) -> [String] {
        guard let stream = opendir(directory) else {
            guard errno == ENOENT else { throw .latest("read", directory) }
            return []
        }
        defer { closedir(stream) }
        var names: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { tuple in
                tuple.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name.hasSuffix(suffix), !name.hasPrefix(".") { names.append(name) }
        }
        return names.sorted()
    }
}
