// SPDX-License-Identifier: Apache-2.0

/// The commands about offices, queues and single cases.
extension Dispatch {
    func runDesks(
        _ name: CommandName,
        _ call: inout Call,
        _ send: Sink
    ) throws(OperatorFault) -> [UInt8] {
        switch name {
        case .officeShow:
            let given = try call.arguments(OfficeArguments.self)
            return try call.done(try commands.office(given.office))
        case .officePause, .officeResume:
            let given = try call.arguments(OfficeArguments.self)
            return try call.done(
                try commands.setPaused(
                    name == .officePause,
                    office: given.office,
                    by: identity,
                    reason: try call.neededReason()
                )
            )
        case .queueList:
            try call.takesNothing()
            return try call.list(try commands.offices(), send)
        case .queueShow:
            let given = try call.arguments(OfficeArguments.self)
            return try call.done(try commands.queue(given.office))
        case .queuePeek:
            let given = try call.arguments(PeekArguments.self)
            return try call.list(try commands.peek(given), send)
        case .queueMove:
            let given = try call.arguments(MoveArguments.self)
            return try call.done(
                try commands.move(given, by: identity, reason: try call.neededReason())
            )
        default: return try runCases(name, &call, send)
        }
    }

    private func runCases(
        _ name: CommandName,
        _ call: inout Call,
        _ send: Sink
    ) throws(OperatorFault) -> [UInt8] {
        switch name {
        case .caseTrail:
            let given = try call.arguments(CaseArguments.self)
            return try call.list(try commands.caseView(number: given.number).acts, send)
        case .caseWhy:
            let given = try call.arguments(CaseArguments.self)
            return try call.list(try commands.waits(number: given.number), send)
        case .caseHold, .caseRelease:
            let given = try call.arguments(CaseArguments.self)
            return try call.done(
                try commands.setHeld(
                    name == .caseHold,
                    number: given.number,
                    by: identity,
                    reason: try call.neededReason()
                )
            )
        case .caseReroute:
            let given = try call.arguments(RerouteArguments.self)
            return try call.done(
                try commands.reroute(given, by: identity, reason: try call.neededReason())
            )
        case .deadShow:
            let given = try call.arguments(ReferralArguments.self)
            return try call.done(try commands.deadLetter(given.referral))
        default:
            let given = try call.arguments(RedirectArguments.self)
            guard let selection = given.selection else { throw .badSelection }
            return try call.done(
                try commands.redirectDead(
                    selection,
                    to: given.to,
                    token: given.token,
                    by: identity,
                    reason: try call.neededReason()
                )
            )
        }
    }
}
