// SPDX-License-Identifier: Apache-2.0

internal import Glibc

/// One of the two sockets for operators, and who may use it.
package struct ControlDoor: Equatable, Sendable {
    /// What may be done there.
    package enum Kind: String, CaseIterable, Sendable {
        /// Looking only.
        case observe
        /// Everything.
        case control

        /// Name of the socket in its directory.
        package var fileName: String { rawValue + ".sock" }
    }

    package let kind: Kind
    /// The group the socket belongs to and whose members may use it; nil for nobody but the
    /// daemon's user and root.
    package let group: UInt32?

    /// A socket for the members of a group.
    package init(_ kind: Kind, group: UInt32? = nil) {
        self.kind = kind
        self.group = group
    }

    /// The mode of the socket.
    var mode: UInt32 { group == nil ? 0o600 : 0o660 }

    /// Whether a peer may use it: root, the daemon's own user, and members of the group.
    ///
    /// The file mode says the same; this holds even where somebody has changed it.
    func admits(user: UInt32, groups: [UInt32]) -> Bool {
        user == 0 || user == geteuid() || group.map(groups.contains) == true
    }
}

extension CommandName {
    /// What `observe.sock` answers: nothing here changes anything or shows the body of a case.
    ///
    /// A command that is not named here is for `control.sock` alone.
    private static let observable: Set<CommandName> = [
        .status, .top, .health, .events, .officeList, .officeShow, .queueList, .queueShow,
        .queuePeek, .caseShow, .caseTrail, .caseWhy, .deadList, .deadShow, .sessionList, .logHead,
        .logVerify, .verify, .procedureList, .procedureShow, .procedureCheck, .agencyList,
        .agencyShow, .topicList, .topicRules, .subscriptionList, .subscriptionDead, .catalogueList,
        .catalogueShow, .catalogueCheck, .serviceList, .policyList, .policyExplain,
    ]

    /// Whether it only shows, so that `observe.sock` answers it.
    package var isObservable: Bool { Self.observable.contains(self) }
}

extension OperatorFault {
    static func notAdmitted(at door: ControlDoor) -> OperatorFault {
        OperatorFault(
            code: "notPermitted",
            exit: .notPermitted,
            text: """
                You may not use \(door.kind.fileName): it is for root, the daemon's own user and \
                the group the daemon was started with. Ask an administrator to add you to it.
                """
        )
    }

    static func observesOnly(_ command: CommandName) -> OperatorFault {
        OperatorFault(
            code: "observeOnly",
            exit: .notPermitted,
            text: """
                \(ControlDoor.Kind.observe.fileName) only shows; send \(command.rawValue) to \
                \(ControlDoor.Kind.control.fileName).
                """
        )
    }
}
