// SPDX-License-Identifier: Apache-2.0

/// What a program of swift-argument-parser says of itself (`--experimental-dump-help`, form 0).
///
/// The library keeps its own types of this form to itself; these are the fields that pages use.
struct ProgramHelp: Decodable {
    var serializationVersion: Int
    var command: Command

    struct Command: Decodable {
        var superCommands: [String]?
        var commandName: String
        var shouldDisplay: Bool?
        var abstract: String?
        var discussion: String?
        var subcommands: [Command]?
        var arguments: [Argument]?

        /// The commands under it that are shown, without the `help` that every program has.
        var shown: [Command] {
            (subcommands ?? []).filter { $0.shouldDisplay != false && $0.commandName != "help" }
        }

        /// Every command at the ends of the tree.
        var leaves: [Command] { shown.isEmpty ? [self] : shown.flatMap(\.leaves) }

        /// Its name without the program's.
        var words: [String] { Array(((superCommands ?? []) + [commandName]).dropFirst()) }
    }

    struct Argument: Decodable, Hashable {
        enum Kind: String, Decodable { case positional, option, flag }

        struct Name: Decodable, Hashable {
            var kind: String
            var name: String
        }

        var kind: Kind
        var shouldDisplay: Bool
        var isOptional: Bool
        var isRepeating: Bool
        var names: [Name]?
        var valueName: String?
        var defaultValue: String?
        var allValues: [String]?
        var abstract: String?
        var discussion: String?
    }
}
