// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import BaridClient

extension ExitCode {
    /// Done in part: what was not done was said.
    static let partly = ExitCode(2)
    /// No case, office or procedure of this name.
    static let noSuchObject = ExitCode(4)
    /// The input is not what it should be (`EX_DATAERR`).
    static let badData = ExitCode(65)
    /// The bus cannot be reached (`EX_UNAVAILABLE`).
    static let unreachable = ExitCode(69)
    /// The bus is at a limit, or nobody offers the service now; try again (`EX_TEMPFAIL`).
    static let tryAgain = ExitCode(75)
    /// The bus does not allow it (`EX_NOPERM`).
    static let notPermitted = ExitCode(77)

    init(_ error: BaridError) {
        switch error.code {
        case .notConnected, .timedOut: self = .unreachable
        case .unknownCase, .unknownOffice, .unknownProcedure, .unknownReferral:
            self = .noSuchObject
        case .otherAgency, .mayNotBackdate, .notAttached, .topicReserved, .sourceForeign,
            .mayNotUse, .revoked, .otherIdentity, .notGranted, .notAdmitted:
            self = .notPermitted
        case .topicInvalid, .patternInvalid, .startInvalid: self = .badData
        default: self = error.isRetriable ? .tryAgain : .failure
        }
    }
}

/// Says on standard error what happened, and returns what to throw.
func leaving(_ text: String, _ code: ExitCode) -> ExitCode {
    writeText("barid: \(text)\n", to: .error)
    return code
}

/// Says why the bus did not do it, and returns what to throw.
func leaving(_ error: BaridError) -> ExitCode {
    let retry = error.retryAt.flatMap(instantText).map { " Try again at \($0)." } ?? ""
    return leaving("\(error)\(retry)", ExitCode(error))
}
