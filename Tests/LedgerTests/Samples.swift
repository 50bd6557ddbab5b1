// SPDX-License-Identifier: Apache-2.0

import Foundation

/// Procedures small enough to know by heart.
enum Samples {
    /// Two offices one after the other; three attempts, a pause of 10 s doubling up to 30 s.
    static let line = """
        procedure: line
        term: P9D
        attributes: any
        hops: 6
        offices: {a/one: One, b/two: Two, b/three: Three}
        steps:
          first:
            office: a/one
            term: P1D
            retries: {attempts: 3, backoff: PT10S, longest: PT30S}
            outcomes: {done: second, stop: closed}
          second:
            office: b/two
            term: P2D
            return: previous
            refer: true
            outcomes: {done: closed, again: first}
        after-closing:
          reopen: {to: first, within: P1D}
          rate: {}

        """

    /// Three opinions and a decision that waits for some of them; `one` may ask for completion.
    static func fork(join: String) -> String {
        """
        procedure: opinions
        offices: {a/desk: Desk, b/one: One, c/two: Two, d/three: Three}
        steps:
          ask:
            office: a/desk
            term: P1D
            outcomes: {asked: {fork: [one, two, three], join: decide}, stop: closed}
          one:
            office: b/one
            term: P1D
            return: fix
            retries: {attempts: 1}
            outcomes: {given: decide, rejected: closed}
          two:
            office: c/two
            term: P1D
            retries: {attempts: 1}
            outcomes: {given: decide, rejected: closed}
          three:
            office: d/three
            term: P1D
            outcomes: {given: decide, split: {fork: [left, right], join: together}}
          left:
            office: d/three
            term: P1D
            outcomes: {given: together}
          right:
            office: d/three
            term: P1D
            retries: {attempts: 1}
            outcomes: {given: together}
          together:
            office: d/three
            term: P1D
            join: all
            outcomes: {given: decide}
          fix:
            office: a/desk
            term: P1D
            outcomes: {fixed: asker, withdrawn: closed}
          decide:
            office: a/desk
            term: P1D
            join: \(join)
            outcomes: {granted: closed}

        """
    }

    /// The files of `Deploy/procedures`.
    static let folder = URL(filePath: #filePath)
        .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "Deploy/procedures")

    static let shipped = [
        "building-permit", "committee", "fire-noc", "foi-request", "itinerary",
        "parallel-opinions", "property-transfer", "trade-licence",
    ]

    static func text(_ name: String) throws -> String {
        try String(contentsOf: folder.appending(path: "\(name).yaml"), encoding: .utf8)
    }
}
