// SPDX-License-Identifier: Apache-2.0

internal import Ledger

/// The rates nothing built of these parts can exceed, measured on the disk of a directory.
package struct Floor {
    private let scratch: Scratch
    private let rows: RowFloor

    /// Prepares a scratch directory inside `parent`.
    ///
    /// - Parameters:
    ///   - parent: An existing directory on the disk that is to be measured.
    ///   - offices: Offices a case visits, 1 to 200.
    ///   - envelopeBytes: Bytes of a case's envelope.
    ///   - bodyBytes: Bytes of a case's body.
    /// - Throws: `LedgerFault`, or `SystemFault` if there can be no such directory.
    package init(
        in parent: String,
        offices: Int,
        envelopeBytes: Int,
        bodyBytes: Int
    ) throws {
        scratch = try Scratch(in: parent)
        rows = try RowFloor(
            directory: scratch.path,
            offices: offices,
            envelopeBytes: envelopeBytes,
            bodyBytes: bodyBytes
        )
    }

    /// Hops a second of the ledger's rows in bare SQLite, `window` cases to a commit.
    package func hopsPerSecond(window: Int, seconds: Double) throws -> Double {
        let (hops, nanoseconds) = try rows.run(window: window, seconds: seconds)
        return Double(hops) * 1e9 / Double(nanoseconds)
    }

    /// Submissions a second of the ledger's rows in bare SQLite, `window` of them to a commit.
    package func submitsPerSecond(window: Int, seconds: Double) throws -> Double {
        let (count, nanoseconds) = try rows.runSubmissions(window: window, seconds: seconds)
        return Double(count) * 1e9 / Double(nanoseconds)
    }

    /// Round trips a second of a bare DEALER and ROUTER, `window` packets under way.
    package func echoesPerSecond(window: Int, seconds: Double) throws -> Double {
        let (count, nanoseconds) = try EchoFloor.run(
            directory: scratch.path,
            window: window,
            seconds: seconds
        )
        return Double(count) * 1e9 / Double(nanoseconds)
    }

    /// The same without the rows, for which nothing need be prepared in `parent`.
    package static func echoesPerSecond(
        in parent: String,
        window: Int,
        seconds: Double
    ) throws -> Double {
        let scratch = try Scratch(in: parent)
        defer { scratch.remove() }
        let (count, nanoseconds) = try EchoFloor.run(
            directory: scratch.path,
            window: window,
            seconds: seconds
        )
        return Double(count) * 1e9 / Double(nanoseconds)
    }

    /// Writes of 4 KiB made durable a second, one after the other.
    package func syncsPerSecond(seconds: Double) throws -> Double {
        let (count, nanoseconds) = try DiskFloor.run(directory: scratch.path, seconds: seconds)
        return Double(count) * 1e9 / Double(nanoseconds)
    }

    /// Removes the scratch directory; nothing may be measured afterwards.
    package func remove() { scratch.remove() }
}
