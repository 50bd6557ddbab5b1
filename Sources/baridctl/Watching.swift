// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Control
import Glibc

/// Looking again and again.
struct WatchOptions: ParsableArguments {
    @Option(
        name: .customLong("watch"),
        help: ArgumentHelp(
            "Look again each so many seconds, until interrupted.",
            valueName: "seconds"
        )
    )
    var seconds: Double?

    func validate() throws {
        guard let seconds else { return }
        guard (0.1...3_600).contains(seconds) else {
            throw ValidationError("--watch is 0.1 to 3600 seconds.")
        }
    }

    /// Looks once, or until interrupted; on a terminal each look takes the place of the last.
    func look(_ output: Output, _ body: () throws(OperatorFault) -> Void) throws(OperatorFault) {
        guard let seconds else { return try body() }
        while true {
            if case .table = output.form { print("\u{1B}[H\u{1B}[2J", terminator: "") }
            try body()
            // Nobody looks through a buffer.
            guard fflush(nil) == 0 else { return }
            usleep(useconds_t(seconds * 1_000_000))
        }
    }
}
