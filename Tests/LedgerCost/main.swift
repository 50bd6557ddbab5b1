// SPDX-License-Identifier: Apache-2.0
// Drives the ledger for a number of hops, for counting instructions: DIRECTORY WINDOW HOPS.

import Bench

let arguments = CommandLine.arguments
guard arguments.count == 4, let window = Int(arguments[2]), let hops = Int(arguments[3]) else {
    preconditionFailure("usage: LedgerCost DIRECTORY WINDOW HOPS")
}
let drive = try LedgerDrive(in: arguments[1], offices: 5, bodyBytes: 256)
let done = try drive.run(window: window, hopsMin: hops)
drive.remove()
print(done.hops, done.nanoseconds)
