// SPDX-License-Identifier: Apache-2.0

/// The checkout the tests were built from, and what may lie beside it.
package enum Checkout {
    /// Its root, without a slash at the end.
    package static let path = String(#filePath.dropLast("/Tests/TestKit/Checkout.swift".count))

    /// A recorded history of a municipality that is not part of the repository; tests that need it
    /// are skipped where it is not there.
    package static let history = path + "/../shared/data/receipt.xes.gz"
}
