// SPDX-License-Identifier: Apache-2.0

/// The commands of those who watch the daemon.
extension Dispatch {
    func runWatch(
        _ name: CommandName,
        _ call: inout Call,
        _ send: Sink
    ) throws(OperatorFault) -> [UInt8] {
        switch name {
        case .top:
            let given = try call.arguments(TopArguments.self)
            return try call.done(try commands.top(offices: Int(given.limit ?? 20)))
        case .health:
            try call.takesNothing()
            return try call.done(try commands.health())
        case .sessionList:
            try call.takesNothing()
            return try call.list(try commands.sessions(), send)
        case .sessionCut:
            let given = try call.arguments(SessionArguments.self)
            return try call.done(
                try commands.cutSession(
                    given.session,
                    by: identity,
                    reason: try call.neededReason()
                )
            )
        case .logHead:
            try call.takesNothing()
            return try call.done(try commands.logHead())
        case .logVerify:
            let given = try call.arguments(ChainArguments.self)
            return try call.done(try commands.verifyChain(given))
        default:
            let given = try call.arguments(TokenArguments.self)
            return try call.done(
                try commands.drain(
                    token: given.token,
                    by: identity,
                    reason: try call.neededReason()
                )
            )
        }
    }

    /// Records of the journal read at a time.
    private static let recordsPerRead = 500
    /// Pause between looks for new records, in milliseconds.
    private static let pauseMilliseconds: Int64 = 200

    /// `events`: the journal as it grows, until the operator goes away where that is wanted.
    func follow(
        _ call: inout Call,
        _ pause: (Int64) -> Bool,
        _ send: Sink
    ) throws(OperatorFault) -> [UInt8] {
        let given = try call.arguments(EventsArguments.self)
        var position: UInt64
        if let after = given.after {
            position = after
        } else {
            position = try commands.logHead().position
        }
        var rest = given.limit ?? .max
        while rest > 0 {
            let count = Int(min(rest, UInt64(Self.recordsPerRead)))
            let rows = try commands.journal(after: position, limit: count)
            for row in rows {
                try call.row(row, send)
                position = row.position
            }
            rest -= UInt64(rows.count)
            guard rows.isEmpty else { continue }
            guard given.follow == true else { break }
            try send(call.takeGathered())
            guard pause(Self.pauseMilliseconds) else { throw .stopping }
        }
        return try call.done(RowCount(rows: call.rows))
    }
}
