// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// A directory of a test's own with a path short enough for sockets; its files go with it.
package final class TemporaryDirectory {
    /// Where it is.
    package let path: String

    /// Makes it.
    package init() {
        var template = Array("/tmp/barid-XXXXXX".utf8CString)
        let isMade = mkdtemp(&template) != nil
        precondition(isMade, "no temporary directory can be made (errno \(errno))")
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit {
        Self.remove(path)
    }

    private static func remove(_ path: String) {
        if let directory = opendir(path) {
            while let entry = readdir(directory) {
                let name = withUnsafeBytes(of: &entry.pointee.d_name) {
                    String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self)
                }
                if name != "." && name != ".." { remove("\(path)/\(name)") }
            }
            closedir(directory)
            rmdir(path)
        } else {
            unlink(path)
        }
    }
}
