// SPDX-License-Identifier: Apache-2.0

package import Platform
package import ZeroMQ

/// Why the bus cannot start or go on.
package enum BusFault: Error, Equatable, CustomStringConvertible {
    /// No endpoint is configured.
    case endpointMissing
    /// The text is no endpoint the bus knows; the text, and what is wrong with it.
    case endpointInvalid(String, reason: String)
    /// An endpoint whose peers must prove keys, while the daemon has none itself.
    case keyMissing(String)
    /// A bulletin that machines other than this one could reach.
    case endpointNotLoopback(String)
    /// libzmq could not do what was asked; the endpoint stands in the fault.
    case socket(ZeroMQFault)
    /// The system could not do what was asked, for want of descriptors mostly.
    case system(SystemFault)

    package var description: String {
        switch self {
        case .endpointMissing:
            "the bus has no endpoint; configure one such as ipc:///run/barid/bus.sock"
        case .endpointInvalid(let endpoint, let reason):
            "cannot listen at \(endpoint): \(reason)"
        case .keyMissing(let endpoint):
            """
            cannot listen at \(endpoint): its peers must prove keys, and the daemon has none \
            itself; make one with baridctl init --data DIR, then enrol the agencies
            """
        case .endpointNotLoopback(let endpoint):
            """
            cannot put out the bulletin at \(endpoint): whoever reads it proves no key, so over TCP it \
            binds loopback only; use tcp://127.0.0.1:PORT, tcp://[::1]:PORT or an ipc:// path
            """
        case .socket(let fault): fault.description
        case .system(let fault): fault.description
        }
    }
}
