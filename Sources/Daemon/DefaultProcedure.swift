// SPDX-License-Identifier: Apache-2.0

internal import Declarations
internal import Ledger

/// The procedure a fresh ledger begins with, so that a daemon without any configuration can carry a
/// case: a routing slip.
///
/// The text is that of `Deploy/procedures/itinerary.yaml`.
package enum DefaultProcedure {
    /// The declaration.
    package static let source = """
        # General routing slip: the submitter names the offices and the due date, and each office passes
        # the case on to the next. The case closes after the last, or when an office files it without
        # action. `refer` lets an office replace the rest of the slip. No offices are declared, so any may
        # be named.
        procedure: itinerary
        title: {en: Routing slip, ar: إحالة متسلسلة}
        due: submitter
        hops: 200
        attributes: any
        offices: {}
        itinerary:
          title: {en: Stop, ar: محطة}
          return: previous
          refer: true
          outcomes:
            forwarded: next
            unrecorded: closed
        after-closing:
          rate: {}

        """

    /// Publishes it on a ledger that has no procedure of this name.
    static func publish(on ledger: LedgerThread, _ reader: LedgerReader) throws {
        guard try reader.versions(of: "itinerary").isEmpty else { return }
        let procedure = try ProcedureDeclaration.read(source)
        _ = try ledger.carryOut(
            .publish(procedure, source: source),
            by: Operator(uid: 0, pid: 0, reason: "the default of a fresh ledger")
        )
    }
}
