// SPDX-License-Identifier: Apache-2.0

internal import Wire

/// Who may use what, as far as it is judged where the ledger is not asked: live subscriptions,
/// events and questions that are not durable.
///
/// A value that the ledger makes anew whenever the catalogue or a right changes.
package struct UsePolicy: Equatable, Sendable {
    /// Topics whose hearers the catalogue names.
    package struct TopicRule: Equatable, Sendable {
        package var pattern: TopicPattern
        /// Names of agencies; the owner of a topic always hears it.
        package var users: Set<String>

        /// A rule for the topics of a pattern.
        package init(pattern: TopicPattern, users: Set<String>) {
            self.pattern = pattern
            self.users = users
        }
    }

    /// Agencies that may ask a service, by its name; a service that is not here takes all.
    package var serviceUsers: [String: Set<String>] = [:]
    /// Rules for topics; a topic that none matches is heard by all.
    package var topicRules: [TopicRule] = []
    /// Agencies that hear of every case.
    package var observers: Set<String> = []

    /// A policy that restricts nothing and shows no agency the cases of others.
    package init() {}

    /// Whether an agency may ask a service.
    package func mayAsk(_ service: String, by agency: String) -> Bool {
        guard let users = serviceUsers[service] else { return true }
        return users.contains(agency) || Name.agency(ofOffice: service) == agency
    }

    /// Whether an agency may hear what is published on an agency's topic.
    package func mayHear(_ topic: String, by agency: String) -> Bool {
        for rule in topicRules where rule.pattern.matches(topic) {
            guard rule.users.contains(agency) || Topic.owner(of: topic) == agency else {
                return false
            }
        }
        return true
    }

    /// Whether an agency hears of an act that concerns these agencies.
    package func mayHear(actConcerning agencies: [String], by agency: String) -> Bool {
        agencies.contains(agency) || observers.contains(agency)
    }
}
