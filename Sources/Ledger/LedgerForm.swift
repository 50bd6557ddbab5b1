// SPDX-License-Identifier: Apache-2.0

/// The form of the ledger, as packages and people compare it.
package enum LedgerForm {
    /// The latest version this program knows; it brings every earlier one up to it, and opens no
    /// later one.
    package static var version: Int { Schema.migrations.count }
}
