// SPDX-License-Identifier: Apache-2.0

internal import Rules
internal import SQLite
internal import Wire

/// An agency as the ledger knows it.
struct AgencyRow {
    var number: UInt32
    var name: String
    var mayBackdate: Bool
    /// Whether it hears of every case.
    var isObserver: Bool
}

/// An office as the ledger knows it.
struct OfficeRow {
    var number: UInt32
    var name: String
    var agency: UInt32
    var title: String
}

/// Agencies, offices and procedure versions in memory, with the rows they come from.
///
/// Numbers are dense from 1, so arrays are indexed by them. A class, because as a struct it was copied
/// to be looked into. Ledger thread only.
final class Directory {
    /// Offices a ledger admits.
    static let officesMax = 65_536
    /// Agencies a ledger admits.
    static let agenciesMax = 4_096

    @Confined private(set) var agencies: [AgencyRow] = []
    @Confined private(set) var offices: [OfficeRow] = []
    @Confined private(set) var procedures: [PublishedProcedure] = []
    @Confined private var agencyNumbers: [String: UInt32] = [:]
    @Confined private var officeNumbers: [String: UInt32] = [:]
    @Confined private var latest: [String: UInt32] = [:]
    /// The highest classification of the procedures that declare an office.
    @Confined private var officeLevels: [UInt32: Classification] = [:]
    /// The highest classification of all procedures.
    @Confined private(set) var highestLevel = Classification.restricted
    private let insertAgency: Statement
    private let updateAgency: Statement
    private let updateObserver: Statement
    private let insertOffice: Statement
    private let insertProcedure: Statement

    /// Reads all of it; `reading` reads the source of a procedure, which was checked when published.
    init(
        _ connection: Connection,
        reading: (String) -> Procedure?
    ) throws(LedgerFault) {
        do {
            insertAgency = try Statement(
                "INSERT INTO agency (number, name, backdating) VALUES (?, ?, ?)",
                on: connection
            )
            updateAgency = try Statement(
                "UPDATE agency SET backdating = ? WHERE number = ?",
                on: connection
            )
            updateObserver = try Statement(
                "UPDATE agency SET observing = ? WHERE number = ?",
                on: connection
            )
            insertOffice = try Statement(
                "INSERT INTO office (number, name, agency, title) VALUES (?, ?, ?, ?)",
                on: connection
            )
            insertProcedure = try Statement(
                """
                INSERT INTO procedure (number, name, version, source, published, uid)
                VALUES (?, ?, ?, ?, ?, ?)
                """,
                on: connection
            )
            try load(connection, reading: reading)
        } catch {
            throw LedgerFault(error)
        }
    }

    private func load(
        _ connection: Connection,
        reading: (String) -> Procedure?
    ) throws {
        let agencies = try Statement(
            "SELECT number, name, backdating, observing FROM agency ORDER BY number",
            on: connection
        )
        while try agencies.step() {
            add(
                AgencyRow(
                    number: UInt32(agencies.int64(0)),
                    name: agencies.string(1),
                    mayBackdate: agencies.int64(2) != 0,
                    isObserver: agencies.int64(3) != 0
                )
            )
        }
        let offices = try Statement(
            "SELECT number, name, agency, title FROM office ORDER BY number",
            on: connection
        )
        while try offices.step() {
            add(
                OfficeRow(
                    number: UInt32(offices.int64(0)),
                    name: offices.string(1),
                    agency: UInt32(offices.int64(2)),
                    title: offices.string(3)
                )
            )
        }
        let procedures = try Statement(
            "SELECT number, name, version, source FROM procedure ORDER BY number",
            on: connection
        )
        while try procedures.step() {
            let name = procedures.string(1)
            let version = UInt32(procedures.int64(2))
            guard let procedure = reading(procedures.string(3)) else {
                throw LedgerFault.damaged("procedure \(name) version \(version) cannot be read")
            }
            add(procedure, number: UInt32(procedures.int64(0)), version: version)
        }
    }

    // MARK: Looking up

    func agency(_ number: UInt32) -> AgencyRow? { row(agencies, number) }
    func office(_ number: UInt32) -> OfficeRow? { row(offices, number) }
    func procedure(_ number: UInt32) -> PublishedProcedure? { row(procedures, number) }

    /// The agency of an office; 0 if there is no such office.
    func agency(ofOffice number: UInt32) -> UInt32 {
        let place = Int(number) - 1
        return offices.indices.contains(place) ? offices[place].agency : 0
    }

    /// Whether an agency may claim instants that lie far back.
    func mayBackdate(_ agency: UInt32) -> Bool {
        let place = Int(agency) - 1
        return agencies.indices.contains(place) && agencies[place].mayBackdate
    }

    /// The highest classification an office deals with; where no procedure declares it, an
    /// itinerary that is restricted may visit it.
    func level(ofOffice name: String) -> Classification {
        officeNumber(name).flatMap { officeLevels[$0] } ?? .restricted
    }

    /// The classification of a version of a procedure; the highest if there is none.
    func level(ofProcedure number: UInt32) -> Classification {
        procedure(number)?.procedure.classification ?? .topSecret
    }

    func agencyNumber(_ name: String) -> UInt32? { agencyNumbers[name] }
    func officeNumber(_ name: String) -> UInt32? { officeNumbers[name] }

    /// The latest version of a procedure.
    func latestProcedure(_ name: String) -> PublishedProcedure? {
        latest[name].flatMap { procedure($0) }
    }

    private func row<Row>(_ rows: [Row], _ number: UInt32) -> Row? {
        let place = Int(number) - 1
        return rows.indices.contains(place) ? rows[place] : nil
    }

    // MARK: Adding

    /// Writes and keeps a new agency; a fresh one may backdate until rights say otherwise.
    func openAgency(_ name: String) throws(SQLiteFault) -> AgencyRow {
        let agency = AgencyRow(
            number: UInt32(agencies.count + 1),
            name: name,
            mayBackdate: true,
            isObserver: false
        )
        insertAgency.bind(1, Int64(agency.number))
        insertAgency.bind(2, name)
        insertAgency.bind(3, 1)
        try insertAgency.run()
        add(agency)
        return agency
    }

    func setBackdating(_ number: UInt32, _ isAllowed: Bool) throws(SQLiteFault) {
        updateAgency.bind(1, isAllowed ? 1 : 0)
        updateAgency.bind(2, Int64(number))
        try updateAgency.run()
        agencies[Int(number) - 1].mayBackdate = isAllowed
    }

    func setObserver(_ number: UInt32, _ isObserver: Bool) throws(SQLiteFault) {
        updateObserver.bind(1, isObserver ? 1 : 0)
        updateObserver.bind(2, Int64(number))
        try updateObserver.run()
        agencies[Int(number) - 1].isObserver = isObserver
    }

    /// Writes and keeps a new office of an agency.
    func openOffice(
        _ name: String,
        agency: UInt32,
        title: String
    ) throws(SQLiteFault) -> OfficeRow {
        let office = OfficeRow(
            number: UInt32(offices.count + 1),
            name: name,
            agency: agency,
            title: title
        )
        insertOffice.bind(1, Int64(office.number))
        insertOffice.bind(2, name)
        insertOffice.bind(3, Int64(agency))
        insertOffice.bind(4, title)
        try insertOffice.run()
        add(office)
        return office
    }

    /// Writes and keeps the next version of a procedure; its offices are open already.
    func publish(
        _ procedure: Procedure,
        source: String,
        at instant: Int64,
        uid: UInt32
    ) throws(SQLiteFault) -> PublishedProcedure {
        let number = UInt32(procedures.count + 1)
        let version = (latestProcedure(procedure.name)?.version ?? 0) + 1
        insertProcedure.bind(1, Int64(number))
        insertProcedure.bind(2, procedure.name)
        insertProcedure.bind(3, Int64(version))
        insertProcedure.bind(4, source)
        insertProcedure.bind(5, instant)
        insertProcedure.bind(6, Int64(uid))
        try insertProcedure.run()
        return add(procedure, number: number, version: version)
    }

    /// Forgets what was added since, after a rollback.
    func rewind(agencies: Int, offices: Int, procedures: Int) {
        for agency in self.agencies[agencies...] { agencyNumbers[agency.name] = nil }
        for office in self.offices[offices...] { officeNumbers[office.name] = nil }
        self.agencies.removeSubrange(agencies...)
        self.offices.removeSubrange(offices...)
        self.procedures.removeSubrange(procedures...)
        latest = [:]
        officeLevels = [:]
        highestLevel = .restricted
        for published in self.procedures { take(published) }
    }

    private func add(_ agency: AgencyRow) {
        agencies.append(agency)
        agencyNumbers[agency.name] = agency.number
    }

    private func add(_ office: OfficeRow) {
        offices.append(office)
        officeNumbers[office.name] = office.number
    }

    @discardableResult
    private func add(
        _ procedure: Procedure,
        number: UInt32,
        version: UInt32
    ) -> PublishedProcedure {
        let published = PublishedProcedure(
            number: number,
            version: version,
            procedure: procedure,
            officeNumber: { officeNumbers[$0] }
        )
        procedures.append(published)
        take(published)
        return published
    }

    private func take(_ published: PublishedProcedure) {
        latest[published.procedure.name] = published.number
        let level = published.procedure.classification
        highestLevel = max(highestLevel, level)
        for office in published.declaredOffices {
            officeLevels[office] = max(officeLevels[office] ?? .public, level)
        }
    }
}
