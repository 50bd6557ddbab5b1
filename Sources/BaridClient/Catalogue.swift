// SPDX-License-Identifier: Apache-2.0

internal import Wire

/// One thing that the bus offers to this agency.
public struct CatalogueEntry: Hashable, Sendable {
    /// The kinds of things.
    public enum Kind: String, CaseIterable, Sendable {
        /// A desk with a queue.
        case office
        /// A published procedure.
        case procedure
        /// Something that answers questions.
        case service
        /// Something to subscribe to.
        case topic
    }

    /// What it is: the name of a `Kind`, or one unknown to this version.
    public let kind: String
    /// Its name.
    public let name: String
    /// The agency that owns it; empty where the bus itself does.
    public let agency: String
    /// One line for people, by language: `en`, `ar`.
    public let title: [String: String]
    /// More for people, by language.
    public let description: [String: String]
    /// URI of the schema of an event, a question or a case; empty if none is named.
    public let schema: String
    /// URI of the schema of an answer; empty if none is named.
    public let answerSchema: String
    /// The agencies that may use it; empty for all.
    public let users: [String]
    /// The version of a procedure; 0 for other kinds.
    public let version: UInt32
    /// Whether somebody staffs or offers it now.
    public let isOpen: Bool

    init(_ entry: Envelope.Entry) {
        kind = entry.kind
        name = entry.name
        agency = entry.agency
        title = entry.title
        description = entry.description_p
        schema = entry.schema
        answerSchema = entry.answerSchema
        users = entry.users
        version = entry.version
        isOpen = entry.open
    }
}

extension Bus {
    /// Asks what the bus offers: the offices, procedures, services and topics this agency may use.
    ///
    /// It is read page by page; what changes meanwhile may be in it or not.
    ///
    /// - Parameters:
    ///   - kind: One kind only; nil for all.
    ///   - prefix: Names beginning so only; empty for all.
    /// - Returns: All entries, in order of kind and name.
    /// - Throws: A refusal of the bus, or `envelopeInvalid` if it does not come to an end.
    public func catalogue(
        _ kind: CatalogueEntry.Kind? = nil,
        prefix: String = ""
    ) async throws(BaridError) -> [CatalogueEntry] {
        var entries: [CatalogueEntry] = []
        var query = Envelope.CatalogueQuery()
        query.kind = kind?.rawValue ?? ""
        query.prefix = prefix
        while true {
            let reply = try await loop.ask(
                Request(
                    header: Header(.catalogue),
                    envelope: Envelope.bytes(of: query),
                    timeoutMilliseconds: loop.timeoutMilliseconds
                )
            )
            let page = reply.envelope.withUnsafeBytes { bytes in
                try? Envelope.read(Envelope.Catalogue.self, from: bytes)
            }
            guard let page else { throw .client(.envelopeInvalid) }
            entries += page.entries.map(CatalogueEntry.init)
            guard page.more else { return entries }
            // A page that does not go on would be asked for without end.
            guard let last = page.entries.last,
                (query.afterKind, query.afterName) < (last.kind, last.name)
            else { throw .client(.envelopeInvalid) }
            query.afterKind = last.kind
            query.afterName = last.name
        }
    }
}
