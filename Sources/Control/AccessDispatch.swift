// SPDX-License-Identifier: Apache-2.0

/// The commands about who may come in and what they may do.
extension Dispatch {
    func runAccess(
        _ name: CommandName,
        _ call: inout Call,
        _ send: Sink
    ) throws(OperatorFault) -> [UInt8] {
        switch name {
        case .agencyAdd:
            let given = try call.arguments(EnrolArguments.self)
            return try call.done(
                try commands.enrol(given, by: identity, reason: try call.neededReason())
            )
        case .agencyRotate:
            let given = try call.arguments(RotateArguments.self)
            return try call.done(
                try commands.rotate(given, by: identity, reason: try call.neededReason())
            )
        case .agencyShow:
            let given = try call.arguments(AgencyArguments.self)
            return try call.done(try commands.agencyAccess(given.agency))
        case .agencySuspend, .agencyResume:
            let given = try call.arguments(AgencyArguments.self)
            return try call.done(
                try commands.setSuspended(
                    name == .agencySuspend,
                    agency: given.agency,
                    by: identity,
                    reason: try call.neededReason()
                )
            )
        case .agencyRevoke:
            let given = try call.arguments(RevokeArguments.self)
            return try call.done(
                try commands.revokeKeys(
                    given,
                    by: identity,
                    reason: try call.neededReason()
                )
            )
        case .agencyLimit:
            let given = try call.arguments(LimitArguments.self)
            return try call.done(
                try commands.setLimits(given, by: identity, reason: try call.neededReason())
            )
        default: return try runPolicy(name, &call, send)
        }
    }

    private func runPolicy(
        _ name: CommandName,
        _ call: inout Call,
        _ send: Sink
    ) throws(OperatorFault) -> [UInt8] {
        switch name {
        case .policyGrant:
            let given = try call.arguments(GrantArguments.self)
            return try call.done(
                try commands.grant(given, by: identity, reason: try call.neededReason())
            )
        case .policyRevoke:
            let given = try call.arguments(RuleArguments.self)
            return try call.done(
                try commands.withdraw(
                    rule: given.rule,
                    by: identity,
                    reason: try call.neededReason()
                )
            )
        case .policyRole:
            let given = try call.arguments(RoleArguments.self)
            return try call.done(
                try commands.setRole(given, by: identity, reason: try call.neededReason())
            )
        case .policyExplain:
            let given = try call.arguments(ExplainArguments.self)
            return try call.done(try commands.explain(given))
        default:
            let given = try call.arguments(PolicyListArguments.self)
            return try call.list(try commands.rules(concerning: given.agency), send)
        }
    }
}
