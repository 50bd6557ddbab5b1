// SPDX-License-Identifier: Apache-2.0

extension BusConfiguration {
    /// What `BusLoop.run` would refuse of the endpoints before it binds any; empty if nothing.
    package var faults: [BusFault] {
        var faults: [BusFault] = endpoints.isEmpty ? [.endpointMissing] : []
        for text in endpoints {
            do throws(BusFault) {
                let endpoint = try Endpoint(text)
                guard secretKey == nil, endpoint.isNetwork || isEveryEndpointKeyed else { continue }
                faults.append(.keyMissing(text))
            } catch {
                faults.append(error)
            }
        }
        guard let bulletin else { return faults }
        do throws(BusFault) {
            let endpoint = try Endpoint(bulletin)
            if endpoint.isNetwork, !endpoint.isLoopback {
                faults.append(.endpointNotLoopback(bulletin))
            }
        } catch {
            faults.append(error)
        }
        return faults
    }
}
