// SPDX-License-Identifier: Apache-2.0

/// The commands of the control socket, one list for both ends (`Protocols/control.md`).
package enum CommandName: String, CaseIterable, Sendable {
    case status
    case procedureList = "procedure.list"
    case procedureShow = "procedure.show"
    case procedureCheck = "procedure.check"
    case procedurePublish = "procedure.publish"
    case officeList = "office.list"
    case caseShow = "case.show"
    case deadList = "dead.list"
    case deadRetry = "dead.retry"
    case deadClose = "dead.close"
    case agencyList = "agency.list"
    case agencyBackdating = "agency.backdating"
    case agencyAllCases = "agency.all-cases"
    case topicList = "topic.list"
    case topicRules = "topic.rules"
    case topicRetention = "topic.retention"
    case subscriptionList = "subscription.list"
    case subscriptionDead = "subscription.dead"
    case subscriptionForget = "subscription.forget"
    case catalogueList = "catalogue.list"
    case catalogueShow = "catalogue.show"
    case catalogueCheck = "catalogue.check"
    case cataloguePublish = "catalogue.publish"
    case serviceList = "service.list"
    case notice
    case verify
    case exportTraces = "export.traces"
    case agencyAdd = "agency.add"
    case agencyRotate = "agency.rotate"
    case agencyShow = "agency.show"
    case agencySuspend = "agency.suspend"
    case agencyResume = "agency.resume"
    case agencyRevoke = "agency.revoke"
    case agencyLimit = "agency.limit"
    case policyGrant = "policy.grant"
    case policyRevoke = "policy.revoke"
    case policyRole = "policy.role"
    case policyList = "policy.list"
    case policyExplain = "policy.explain"
}
