// SPDX-License-Identifier: Apache-2.0

internal import Declarations
internal import Ledger
internal import Platform

/// Whether a daemon could use its data directory, found out without starting one or changing anything.
package struct DirectoryCheck {
    private let settings: Settings

    /// A check of what these settings name.
    package init(_ settings: Settings) { self.settings = settings }

    /// Checks; a daemon may be running on the directory.
    ///
    /// - Throws: What is wrong.
    package func run() throws(ConfigurationFaults) {
        let directory = settings.configuration.directory
        var texts: [String] = []
        do throws(SystemFault) {
            try DirectoryAccess.check(directory)
        } catch {
            texts.append(error.description)
        }
        do throws(LedgerFault) {
            try LedgerHeader.check(directory: directory)
        } catch {
            texts.append(error.description)
        }
        guard !texts.isEmpty else { return }
        throw ConfigurationFaults(faults: texts.map { settings.fault(.data, $0) })
    }
}
