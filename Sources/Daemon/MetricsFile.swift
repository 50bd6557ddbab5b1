// SPDX-License-Identifier: Apache-2.0

internal import Control
internal import Logs
internal import Platform

/// The metrics as a file for the textfile collector of node_exporter, whole at every moment.
struct MetricsFile {
    private var nextWrite = Int64.min

    /// Writes the file if it is time.
    ///
    /// - Parameters:
    ///   - configuration: Says where and how often; without a file nothing is done.
    ///   - metrics: Asked for the figures.
    ///   - log: Told if the file cannot be written; the daemon goes on.
    mutating func writeIfDue(
        _ configuration: DaemonConfiguration,
        _ metrics: Metrics,
        _ log: DaemonLog
    ) {
        guard let path = configuration.metricsFile else { return }
        let now = Clock.monotonicMilliseconds()
        guard now >= nextWrite else { return }
        nextWrite = now + configuration.metricsMilliseconds
        do throws(OperatorFault) {
            let text = try metrics.text()
            do throws(SystemFault) {
                try SmallFile.replace(path, with: Array(text.utf8), mode: 0o644)
            } catch {
                log.say(.metricsFailed, [.fault: error.description])
            }
        } catch {
            log.say(.metricsFailed, [.fault: error.text])
        }
    }
}
