// SPDX-License-Identifier: Apache-2.0

package import Platform

/// Why a key or a request for one cannot be used.
package enum KeyFault: Error, Equatable, CustomStringConvertible {
    /// The system refused to read or write the file.
    case file(SystemFault)
    /// The text is not what it should be: what it should be, and what is wrong.
    case malformed(String, reason: String)
    /// The request does not prove that whoever made it holds the secret half of its key.
    case unproven
    /// The request was made for another daemon's key; the key it was made for.
    case otherServer(String)

    package var description: String {
        switch self {
        case .file(let fault): fault.description
        case .malformed(let what, let reason): "This is not \(what): \(reason)."
        case .unproven:
            """
            The request does not prove that its maker holds the secret half of the key. It was \
            changed on its way, or made for somebody else's key: do not enrol it.
            """
        case .otherServer(let key):
            """
            The request was made for the daemon with the key \(key), which is not this one's; make \
            it again with this daemon's server.pub.
            """
        }
    }
}
