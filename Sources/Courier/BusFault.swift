// SPDX-License-Identifier: Apache-2.0

package import ZeroMQ

/// Why the bus cannot start or go on.
package enum BusFault: Error, Equatable, CustomStringConvertible {
    /// No endpoint is configured.
    case endpointMissing
    /// The text is no endpoint the bus knows; the text, and what is wrong with it.
    case endpointInvalid(String, reason: String)
    /// A TCP endpoint that machines other than this one could reach.
    case endpointNotLoopback(String)
    /// libzmq could not do what was asked; the endpoint stands in the fault.
    case socket(ZeroMQFault)

    package var description: String {
        switch self {
        case .endpointMissing:
            "the bus has no endpoint; configure one such as ipc:///run/barid/bus.sock"
        case .endpointInvalid(let endpoint, let reason):
            "cannot listen at \(endpoint): \(reason)"
        case .endpointNotLoopback(let endpoint):
            """
            cannot listen at \(endpoint): TCP without identity and keys binds loopback only; use \
            tcp://127.0.0.1:PORT, tcp://[::1]:PORT or an ipc:// path
            """
        case .socket(let fault): fault.description
        }
    }
}
