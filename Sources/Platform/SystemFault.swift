// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// A call of the operating system that did not succeed, with what it was about.
package struct SystemFault: Error, Equatable, CustomStringConvertible {
    /// The system's error number.
    package let errno: Int32
    /// What was attempted, in words that complete "could not …".
    package let operation: String
    /// The file, directory or socket concerned, or nil where there is none.
    package let path: String?
    /// What to do about it, as a sentence; nil where the error says enough.
    package let advice: String?

    /// A fault with the given particulars.
    package init(errno: Int32, operation: String, path: String? = nil, advice: String? = nil) {
        self.errno = errno
        self.operation = operation
        self.path = path
        self.advice = advice
    }

    /// Whether the file or directory is not there.
    package var isMissing: Bool { errno == ENOENT }

    package var description: String {
        let place = path.map { " \($0)" } ?? ""
        let reason = strerror(errno).map { String(cString: $0) } ?? "unknown error"
        let ending = advice.map { ". \($0)" } ?? ""
        return "could not \(operation)\(place): \(reason) (errno \(errno))\(ending)"
    }

    /// The fault of the call that just failed on this thread.
    package static func latest(
        _ operation: String,
        _ path: String? = nil,
        advice: String? = nil
    ) -> SystemFault {
        SystemFault(errno: Glibc.errno, operation: operation, path: path, advice: advice)
    }
}

/// Repeats a call while signals interrupt it, and returns its first other result.
@inline(__always)
func uninterrupted(_ call: () -> Int) -> Int {
    while true {
        let result = call()
        if result >= 0 || errno != EINTR { return result }
    }
}
