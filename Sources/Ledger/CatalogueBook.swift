// SPDX-License-Identifier: Apache-2.0

internal import Rules
internal import SQLite
internal import Wire

/// What agencies declare in the catalogue, in memory, with the policy that follows from it.
struct CatalogueBook {
    /// The latest version of an agency.
    struct Version {
        var number: UInt32
        var entries: [Envelope.Entry]
    }

    private(set) var versions: [String: Version] = [:]
    private(set) var policy = UsePolicy()
    /// Counts the changes, for what is derived.
    private(set) var revision = 0
    private var observers: Set<String> = []
    private let insertStatement: Statement
    var listing = CatalogueListing()

    init(_ connection: Connection) throws(SQLiteFault) {
        insertStatement = try Statement(
            """
            INSERT INTO catalogue (agency, version, source, entries, published, uid)
            VALUES (?, ?, ?, ?, ?, ?)
            """,
            on: connection
        )
        let rows = try Statement(
            """
            SELECT a.name, c.version, c.entries FROM catalogue c JOIN agency a ON a.number = c.agency
            WHERE c.version = (SELECT max(version) FROM catalogue WHERE agency = c.agency)
            """,
            on: connection
        )
        while try rows.step() {
            let kept = rows.withBlob(2) { try? Envelope.read(Envelope.Catalogue.self, from: $0) }
            versions[rows.string(0)] = Version(
                number: UInt32(rows.int64(1)),
                entries: kept?.entries ?? []
            )
        }
        let agencies = try Statement("SELECT name FROM agency WHERE observing <> 0", on: connection)
        while try agencies.step() { observers.insert(agencies.string(0)) }
        derive()
    }

    /// Writes down a version of an agency's declaration.
    func insert(
        _ version: Version,
        agency: UInt32,
        source: String,
        at instant: Int64,
        uid: UInt32
    ) throws(SQLiteFault) {
        var catalogue = Envelope.Catalogue()
        catalogue.entries = version.entries
        insertStatement.bind(1, Int64(agency))
        insertStatement.bind(2, Int64(version.number))
        insertStatement.bind(3, source)
        insertStatement.bind(4, copying: Envelope.bytes(of: catalogue))
        insertStatement.bind(5, instant)
        insertStatement.bind(6, Int64(uid))
        try insertStatement.run()
    }

    /// Takes a version that is on disk into force.
    mutating func set(_ version: Version, of agency: String) {
        versions[agency] = version
        derive()
    }

    /// Lets an agency hear of every case, or not.
    mutating func setObserver(_ agency: String, _ isObserver: Bool) {
        if isObserver { observers.insert(agency) } else { observers.remove(agency) }
        derive()
    }

    private mutating func derive() {
        revision += 1
        policy = UsePolicy()
        policy.observers = observers
        for (_, version) in versions.sorted(by: { $0.key < $1.key }) {
            for entry in version.entries where !entry.users.isEmpty {
                switch CatalogueDeclaration.Kind(rawValue: entry.kind) {
                case .service: policy.serviceUsers[entry.name] = Set(entry.users)
                case .topic:
                    guard let pattern = try? TopicPattern(entry.name) else { continue }
                    policy.topicRules.append(
                        UsePolicy.TopicRule(pattern: pattern, users: Set(entry.users))
                    )
                case .office, .procedure, nil: continue
                }
            }
        }
    }
}

extension Envelope.Entry {
    /// The entry of a declared thing, as it is told and kept.
    init(_ declared: CatalogueDeclaration.Entry, of agency: String) {
        self.init()
        kind = declared.kind.rawValue
        name = declared.name
        self.agency = agency
        title = declared.title
        description_p = declared.description
        schema = declared.schema
        answerSchema = declared.answerSchema
        users = declared.users
    }

    /// Whether an agency may use it.
    func isFor(_ agency: String) -> Bool {
        users.isEmpty || self.agency == agency || users.contains(agency)
    }

    /// The order of a catalogue.
    static func stands(_ left: Self, before right: (kind: String, name: String)) -> Bool {
        (left.kind, left.name) < (right.kind, right.name)
    }
}

/// The whole catalogue in order, made anew when something it is made of has changed.
struct CatalogueListing {
    private(set) var entries: [Envelope.Entry] = []
    private var madeOf: [Int] = []

    /// Brings it up to date with the directory and the declarations.
    mutating func refresh(
        _ directory: Directory,
        _ book: [String: CatalogueBook.Version],
        _ revision: Int
    ) {
        let basis = [directory.offices.count, directory.procedures.count, revision]
        guard basis != madeOf else { return }
        madeOf = basis
        var found: [String: Envelope.Entry] = [:]
        for version in book.values {
            for entry in version.entries { found["\(entry.kind) \(entry.name)"] = entry }
        }
        for office in directory.offices {
            let key = "office \(office.name)"
            var entry = found[key] ?? Envelope.Entry()
            entry.kind = CatalogueDeclaration.Kind.office.rawValue
            entry.name = office.name
            entry.agency = directory.agency(office.agency)?.name ?? ""
            if entry.title.isEmpty, !office.title.isEmpty { entry.title["en"] = office.title }
            found[key] = entry
        }
        for published in directory.procedures {
            var entry = Envelope.Entry()
            entry.kind = CatalogueDeclaration.Kind.procedure.rawValue
            entry.name = published.procedure.name
            entry.title = published.procedure.title
            entry.version = published.version
            found["procedure \(entry.name)"] = entry
        }
        entries = found.values.sorted {
            Envelope.Entry.stands($0, before: ($1.kind, $1.name))
        }
    }
}

/// `catalogue`: what the bus offers to the agency that asks.
extension LedgerWriter {
    func catalogue(_ request: Request, into effects: inout Effects) {
        let query: Envelope.CatalogueQuery
        do throws(RefusalCode) {
            query = try Envelope.read(Envelope.CatalogueQuery.self, from: request.envelope)
            guard query.kind.isEmpty || CatalogueDeclaration.Kind(rawValue: query.kind) != nil
            else { throw .envelopeInvalid }
            try demand(.catalogue, on: "*", of: request)
        } catch {
            return effects.refuse(error, request)
        }
        let book = events.catalogue
        events.catalogue.listing.refresh(directory, book.versions, book.revision)
        let agency = directory.agency(request.session.agency)?.name ?? ""
        let all = withOffered(events.catalogue.listing.entries)
        var page = Envelope.Catalogue()
        var bytes = 0
        var place = all.partitioningIndex {
            !Envelope.Entry.stands($0, before: (query.afterKind, query.afterName))
                && ($0.kind, $0.name) != (query.afterKind, query.afterName)
        }
        while place < all.count {
            defer { place += 1 }
            var entry = all[place]
            guard query.kind.isEmpty || entry.kind == query.kind,
                entry.name.hasPrefix(query.prefix), entry.isFor(agency)
            else { continue }
            entry.open = isOpen(entry)
            let size = Envelope.bytes(of: entry).count + 8
            guard page.entries.count < Limits.catalogueEntriesMax,
                bytes + size < Limits.envelopeBytesMax
            else {
                page.more = true
                break
            }
            bytes += size
            page.entries.append(entry)
        }
        effects.append(
            Header(.answer, number: request.header.number),
            session: request.number,
            envelope: Envelope.bytes(of: page)
        )
    }

    /// The catalogue with the services that are offered and that nobody declared.
    private func withOffered(_ entries: [Envelope.Entry]) -> [Envelope.Entry] {
        let kind = CatalogueDeclaration.Kind.service.rawValue
        let offered = events.services.values.filter { $0.value.isOffered }.keys
        let undeclared = offered.filter { service in
            let place = entries.partitioningIndex {
                !Envelope.Entry.stands($0, before: (kind, service))
            }
            return place == entries.count || entries[place].name != service
                || entries[place].kind != kind
        }
        guard !undeclared.isEmpty else { return entries }
        let more = undeclared.map { service in
            var entry = Envelope.Entry()
            entry.kind = kind
            entry.name = service
            entry.agency = Name.agency(ofOffice: service)
            return entry
        }
        return (entries + more).sorted { Envelope.Entry.stands($0, before: ($1.kind, $1.name)) }
    }

    private func isOpen(_ entry: Envelope.Entry) -> Bool {
        switch CatalogueDeclaration.Kind(rawValue: entry.kind) {
        case .office:
            directory.officeNumber(entry.name).map { desks[Int($0)].takerCount > 0 } ?? false
        case .service: events.services[entry.name]?.isOffered ?? false
        case .procedure, .topic, nil: false
        }
    }
}

extension Array {
    /// The first place from which on `belongs` holds; it must hold for all behind it.
    fileprivate func partitioningIndex(where belongs: (Element) -> Bool) -> Int {
        var low = 0
        var high = count
        while low < high {
            let middle = (low + high) / 2
            if belongs(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
