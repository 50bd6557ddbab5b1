// SPDX-License-Identifier: Apache-2.0

internal import FoundationEssentials

/// One request on its way through the commands: reads the line, does what it says, answers.
struct Dispatch {
    /// Takes a reply line; throws once the operator has gone away.
    typealias Sink = ([UInt8]) throws(OperatorFault) -> Void

    let commands: any OperatorCommands
    let identity: OperatorIdentity
    private let kind: ControlDoor.Kind
    private let stop: StopMark

    init(
        commands: any OperatorCommands,
        identity: OperatorIdentity,
        kind: ControlDoor.Kind,
        stop: StopMark
    ) {
        self.commands = commands
        self.identity = identity
        self.kind = kind
        self.stop = stop
    }

    /// Answers a request line, given without its end.
    ///
    /// - Parameters:
    ///   - line: The request.
    ///   - pause: Waits so many milliseconds; false once nobody is there to be told more.
    ///   - send: Takes the answer.
    /// - Throws: What `send` throws.
    func answer(
        _ line: [UInt8],
        pause: (Int64) -> Bool,
        send: Sink
    ) throws(OperatorFault) {
        let line = Data(line)
        var call = Call(line: line, id: Request.number(of: line), stop: stop)
        let final: [UInt8]
        do throws(OperatorFault) {
            let request = try Request.read(line)
            call.reason = try Self.checked(request.reason)
            guard let name = CommandName(rawValue: request.cmd) else {
                throw OperatorFault(
                    code: "unknownCommand",
                    exit: .usage,
                    text: """
                        This daemon knows no command "\(request.cmd.prefix(100))"; see \
                        Protocols/control.md, or use the baridctl that came with the daemon.
                        """
                )
            }
            guard kind == .control || name.isObservable else {
                throw OperatorFault.observesOnly(name)
            }
            final =
                name == .events ? try follow(&call, pause, send) : try run(name, &call, send)
        } catch {
            final = Reply.line(error, id: call.id)
        }
        try send(call.takeGathered() + final)
    }

    /// Every command, in one place.
    private func run(
        _ name: CommandName,
        _ call: inout Call,
        _ send: Sink
    ) throws(OperatorFault) -> [UInt8] {
        switch name {
        case .status:
            try call.takesNothing()
            return try call.done(try commands.status())
        case .procedureList:
            try call.takesNothing()
            return try call.list(try commands.procedures(), send)
        case .procedureShow:
            let given = try call.arguments(ProcedureArguments.self)
            return try call.done(
                try commands.procedureSource(name: given.name, version: given.version)
            )
        case .procedureCheck:
            let given = try call.arguments(SourceArguments.self)
            return try call.done(try commands.checkProcedure(source: given.source))
        case .procedurePublish:
            let given = try call.arguments(SourceArguments.self)
            return try call.done(
                try commands.publishProcedure(
                    source: given.source,
                    by: identity,
                    reason: call.reason
                )
            )
        case .officeList:
            try call.takesNothing()
            return try call.list(try commands.offices(), send)
        case .caseShow:
            let given = try call.arguments(CaseArguments.self)
            return try call.done(try commands.caseView(number: given.number))
        case .deadList:
            let given = try call.arguments(DeadListArguments.self)
            try commands.deadLetters(office: given.office) { letter throws(OperatorFault) in
                try call.row(letter, send)
            }
            return try call.done(RowCount(rows: call.rows))
        case .deadRetry:
            let (selection, _) = try call.selection()
            return try call.done(
                try commands.retryDead(selection, by: identity, reason: try call.neededReason())
            )
        case .deadClose:
            let (selection, token) = try call.selection()
            return try call.done(
                try commands.closeDead(
                    selection,
                    token: token,
                    by: identity,
                    reason: try call.neededReason()
                )
            )
        case .agencyList:
            try call.takesNothing()
            return try call.list(try commands.agencies(), send)
        case .agencyBackdating:
            let given = try call.arguments(BackdatingArguments.self)
            return try call.done(
                try commands.setBackdating(
                    agency: given.agency,
                    isAllowed: given.allowed,
                    by: identity,
                    reason: try call.neededReason()
                )
            )
        case .agencyAllCases, .topicList, .topicRules, .topicRetention, .subscriptionList,
            .subscriptionDead, .subscriptionForget, .catalogueList, .catalogueShow, .catalogueCheck,
            .cataloguePublish, .serviceList, .notice:
            return try runEvents(name, &call, send)
        case .verify:
            try call.takesNothing()
            return try call.done(try commands.verify())
        case .exportTraces:
            let given = try call.arguments(ExportArguments.self)
            try commands.exportTraces(procedure: given.procedure) {
                trace throws(OperatorFault) in try call.row(trace, send)
            }
            return try call.done(RowCount(rows: call.rows))
        case .agencyAdd, .agencyRotate, .agencyShow, .agencySuspend, .agencyResume, .agencyRevoke,
            .agencyLimit, .policyGrant, .policyRevoke, .policyRole, .policyList, .policyExplain:
            return try runAccess(name, &call, send)
        case .configCheck, .configShow, .configDiff, .configReload, .configConfirm, .configUndo:
            return try runConfiguration(name, &call, send)
        case .backupCreate:
            let given = try call.arguments(BackupArguments.self)
            return try call.done(
                try commands.createBackup(
                    in: given.directory,
                    by: identity,
                    reason: try call.neededReason()
                )
            )
        case .retentionRun:
            let given = try call.arguments(RetentionRunArguments.self)
            let reason = given.dryRun == true ? call.reason : try call.neededReason()
            return try call.done(
                try commands.runRetention(given, by: identity, reason: reason)
            )
        case .erase:
            let given = try call.arguments(EraseArguments.self)
            return try call.done(
                try commands.erase(given, by: identity, reason: try call.neededReason())
            )
        case .metrics:
            try call.takesNothing()
            return try call.done(try commands.metrics())
        case .officeShow, .officePause, .officeResume, .queueList, .queueShow, .queuePeek,
            .queueMove, .caseTrail, .caseWhy, .caseHold, .caseRelease, .caseReroute, .deadShow,
            .deadRedirect:
            return try runDesks(name, &call, send)
        case .top, .health, .events, .sessionList, .sessionCut, .logHead, .logVerify, .drain:
            return try runWatch(name, &call, send)
        }
    }

    /// The commands about topics, subscriptions and the catalogue.
    private func runEvents(
        _ name: CommandName,
        _ call: inout Call,
        _ send: Sink
    ) throws(OperatorFault) -> [UInt8] {
        switch name {
        case .topicList:
            let given = try call.arguments(TopicListArguments.self)
            return try call.list(try commands.topics(pattern: given.pattern), send)
        case .topicRules:
            try call.takesNothing()
            return try call.list(try commands.retention(), send)
        case .topicRetention:
            let given = try call.arguments(RetentionArguments.self)
            let reason = try call.neededReason()
            return try call.done(
                try commands.setRetention(given, by: identity, reason: reason)
            )
        case .subscriptionList:
            try call.takesNothing()
            return try call.list(try commands.subscriptions(), send)
        case .subscriptionDead:
            let given = try call.arguments(DeadEventArguments.self)
            return try call.list(
                try commands.deadEvents(agency: given.agency, name: given.name),
                send
            )
        case .subscriptionForget:
            let given = try call.arguments(SubscriptionArguments.self)
            let reason = try call.neededReason()
            return try call.done(
                try commands.forgetSubscription(given, by: identity, reason: reason)
            )
        case .catalogueList:
            try call.takesNothing()
            return try call.list(try commands.catalogues(), send)
        case .catalogueShow:
            let given = try call.arguments(CatalogueArguments.self)
            return try call.done(
                try commands.catalogueSource(agency: given.agency, version: given.version)
            )
        case .catalogueCheck:
            let given = try call.arguments(SourceArguments.self)
            return try call.done(try commands.checkCatalogue(source: given.source))
        case .cataloguePublish:
            let given = try call.arguments(SourceArguments.self)
            let reason = try call.neededReason()
            return try call.done(
                try commands.publishCatalogue(
                    source: given.source,
                    by: identity,
                    reason: reason
                )
            )
        case .serviceList:
            try call.takesNothing()
            return try call.list(try commands.services(), send)
        case .notice:
            let given = try call.arguments(NoticeArguments.self)
            let reason = try call.neededReason()
            return try call.done(
                try commands.tellNotice(given, by: identity, reason: reason)
            )
        default:
            let given = try call.arguments(BackdatingArguments.self)
            let reason = try call.neededReason()
            return try call.done(
                try commands.setObserving(
                    agency: given.agency,
                    isAllowed: given.allowed,
                    by: identity,
                    reason: reason
                )
            )
        }
    }

    private static func checked(_ reason: String?) throws(OperatorFault) -> String? {
        guard let reason, !reason.isEmpty else { return nil }
        guard reason.utf8.count <= ControlLimits.reasonBytesMax else {
            throw OperatorFault(
                code: "reasonTooLong",
                exit: .usage,
                text: "A reason has at most \(ControlLimits.reasonBytesMax) bytes; shorten it."
            )
        }
        return reason
    }
}

/// What belongs to one request while it is answered.
struct Call {
    let line: Data
    let id: Int64
    var reason: String?
    private(set) var rows = 0
    /// Rows not sent yet.
    private var gathered: [UInt8] = []
    private let stop: StopMark

    /// Rows are sent once they have so many bytes: a system call for each wakes the operator for
    /// each.
    private static let gatheredBytesMax = 32 << 10

    init(line: Data, id: Int64, stop: StopMark) {
        self.line = line
        self.id = id
        self.stop = stop
    }

    func arguments<Arguments: CommandArguments>(
        _ type: Arguments.Type
    ) throws(OperatorFault) -> Arguments {
        try Request.arguments(type, in: line)
    }

    func takesNothing() throws(OperatorFault) {
        _ = try arguments(NoArguments.self)
    }

    func selection() throws(OperatorFault) -> (DeadSelection, token: String?) {
        let given = try arguments(DeadArguments.self)
        guard let selection = given.selection else {
            throw .badSelection
        }
        return (selection, given.token)
    }

    func neededReason() throws(OperatorFault) -> String {
        guard let reason else {
            throw OperatorFault(
                code: "reasonMissing",
                exit: .usage,
                text:
                    "This act goes into the journal with its reason; give one (baridctl: --reason)."
            )
        }
        return reason
    }

    mutating func row(_ content: some Codable, _ send: Dispatch.Sink) throws(OperatorFault) {
        guard !stop.isSet else { throw .stopping }
        rows += 1
        gathered += try Reply.line(Reply.Row(id: id, row: content))
        if gathered.count >= Self.gatheredBytesMax { try send(takeGathered()) }
    }

    /// The rows not sent yet, for whoever sends now.
    mutating func takeGathered() -> [UInt8] {
        defer { gathered = [] }
        return gathered
    }

    mutating func list(
        _ contents: [some Codable],
        _ send: Dispatch.Sink
    ) throws(OperatorFault) -> [UInt8] {
        for content in contents { try row(content, send) }
        return try done(RowCount(rows: rows))
    }

    func done(_ content: some Codable) throws(OperatorFault) -> [UInt8] {
        try Reply.line(Reply.Done(id: id, result: content))
    }
}

extension OperatorFault {
    static let badSelection = OperatorFault(
        code: "badSelection",
        exit: .usage,
        text: """
            Say which dead letters are meant in exactly one way: "referral", "number", or \
            "all" (with "office" for those of one office).
            """
    )
}
