// SPDX-License-Identifier: Apache-2.0

/// The exit statuses of `baridctl`, which the daemon names with every fault.
package enum ExitStatus: Int32, CaseIterable, Sendable {
    /// Done.
    case done = 0
    /// Failed.
    case failed = 1
    /// Some of it was done, some not.
    case partly = 2
    /// The daemon does not run; only of `status`.
    case notRunning = 3
    /// There is no such object.
    case notFound = 4
    /// A plan was not approved, or is not what it was.
    case notApproved = 5
    /// The command was not understood.
    case usage = 64
    /// What was given is not sound.
    case badData = 65
    /// The daemon cannot be reached.
    case unreachable = 69
    /// A limit is reached; try again.
    case busy = 75
    /// The operator may not do this.
    case notPermitted = 77
}

/// Why an operator's command was not done.
package struct OperatorFault: Error, Equatable, Sendable, CustomStringConvertible {
    /// Kind of fault, such as `noSuchCase`; stable, for programs.
    package let code: String
    /// Exit status of `baridctl` for it, one of `ExitStatus`.
    package let exit: Int32
    /// What happened, whose fault it is and what to do next.
    package let text: String

    /// A fault.
    package init(code: String, exit: ExitStatus, text: String) {
        self.code = code
        self.exit = exit.rawValue
        self.text = text
    }

    /// A fault as it was received.
    init(code: String, status: Int32, text: String) {
        self.code = code
        exit = status
        self.text = text
    }

    package var description: String { text }
}
