// SPDX-License-Identifier: Apache-2.0

/// All figures of the daemon, taken at one moment.
package struct MetricsText: Equatable, Codable, Sendable {
    /// In the exposition format of Prometheus, version 0.0.4.
    package var text: String

    /// These figures.
    package init(text: String) { self.text = text }
}
