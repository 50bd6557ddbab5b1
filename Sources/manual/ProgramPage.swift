// SPDX-License-Identifier: Apache-2.0

/// The page of a program: what its help says, and sections that were written for the page.
struct ProgramPage {
    private let program: ProgramHelp.Command
    private let main: String?
    private let more: Markdown
    /// Options that most commands take, told once.
    private let common: [ProgramHelp.Argument]

    init(_ program: ProgramHelp.Command, main: String?, more: Markdown) {
        self.program = program
        self.main = main
        self.more = more
        let leaves = program.leaves
        var counts: [ProgramHelp.Argument: Int] = [:]
        for argument in leaves.flatMap({ Self.shown($0) }) { counts[argument, default: 0] += 1 }
        let isShared = { (argument: ProgramHelp.Argument) in
            leaves.count > 3 && argument.kind != .positional
                && counts[argument, default: 0] * 2 >= leaves.count
        }
        var seen: Set<ProgramHelp.Argument> = []
        common = leaves.flatMap { Self.shown($0) }
            .filter { isShared($0) && seen.insert($0).inserted }
    }

    func text(section: Int, date: String) -> String {
        let name = program.commandName
        let commands = program.shown
        let isTree = !commands.isEmpty
        var page = Mdoc(
            title: name,
            section: section,
            date: date,
            summary: Self.summary(program.abstract ?? name)
        )
        // What it does without a subcommand is told as the program's own.
        let main = isTree ? commands.first { $0.commandName == self.main } : program
        page.section("SYNOPSIS")
        if let main { synopsis(of: main, named: [], on: &page) }
        if isTree {
            page.line(".Nm")
            page.line(".Ar command")
            page.line(".Op Ar argument ...")
        }
        page.section("DESCRIPTION")
        let discussions = [program.discussion, isTree ? main?.discussion : nil]
        let (statuses, rest) = Self.exitStatuses(
            of: discussions.flatMap { Markdown($0 ?? "").opening }
        )
        page.prose(program.abstract ?? "")
        for blocks in [more.opening, rest] where !blocks.isEmpty {
            page.line(".Pp")
            page.append(blocks)
        }
        if let main, !Self.shown(main).isEmpty {
            page.section("OPTIONS")
            options(Self.shown(main), on: &page)
        } else if !common.isEmpty {
            page.section("OPTIONS")
            page.prose("Most commands take these:")
            options(common, on: &page)
        }
        let others = commands.filter { $0.commandName != main?.commandName }
        if !others.isEmpty {
            page.section("COMMANDS")
            for command in others { describe(command, on: &page) }
        }
        page.appendStandard(more.sections, statuses: statuses)
        return page.text
    }

    /// Writes a command and those under it.
    private func describe(_ command: ProgramHelp.Command, on page: inout Mdoc) {
        page.subsection(command.words.joined(separator: " "))
        if command.shown.isEmpty {
            synopsis(of: command, named: command.words, on: &page)
            page.line(".Pp")
        }
        page.prose(command.abstract ?? "")
        let discussion = Markdown(command.discussion ?? "").opening
        if case .prose = discussion.first { page.line(".Pp") }
        page.append(discussion)
        let own = Self.shown(command).filter { !common.contains($0) }
        if command.shown.isEmpty, !own.isEmpty { options(own, on: &page) }
        for inner in command.shown { describe(inner, on: &page) }
    }
}

// MARK: - Parts of a page

extension ProgramPage {
    /// Arguments that are shown, without those that every command has.
    private static func shown(_ command: ProgramHelp.Command) -> [ProgramHelp.Argument] {
        (command.arguments ?? []).filter { argument in
            argument.shouldDisplay
                && argument.names?.contains { $0.name == "help" || $0.name == "version" } != true
        }
    }

    private func synopsis(
        of command: ProgramHelp.Command,
        named words: [String],
        on page: inout Mdoc
    ) {
        page.line(".Nm" + (words.isEmpty ? "" : " \(program.commandName)"))
        if !words.isEmpty { page.line(".Cm " + Mdoc.words(words.joined(separator: " "))) }
        for argument in Self.shown(command) where !common.contains(argument) {
            let form = Self.form(argument, isShort: true)
            page.line(argument.isOptional ? ".Op " + form : "." + form)
        }
    }

    private func options(_ arguments: [ProgramHelp.Argument], on page: inout Mdoc) {
        page.line(".Bl -tag -width Ds")
        for argument in arguments {
            page.line(".It " + Self.form(argument, isShort: false))
            var text = argument.abstract ?? ""
            if let more = argument.discussion { text += " " + more }
            if let values = argument.allValues, !values.isEmpty {
                text += " One of " + values.map { "`\($0)`" }.joined(separator: ", ") + "."
            }
            if let value = argument.defaultValue { text += " Default: `\(value)`." }
            page.prose(text)
        }
        page.line(".El")
    }

    /// An argument as macros without the dot: `Fl -data Ar dir`.
    private static func form(_ argument: ProgramHelp.Argument, isShort: Bool) -> String {
        let value =
            "Ar " + Mdoc.words(argument.valueName ?? "value") + (argument.isRepeating ? " ..." : "")
        guard argument.kind != .positional else { return value }
        let names = argument.names ?? []
        let long = names.filter { $0.kind != "short" }
        let flags = (isShort ? Array((long + names).prefix(1)) : names)
            .map { "Fl " + ($0.kind == "long" ? "\\-" : "") + $0.name.replacing("-", with: "\\-") }
            .joined(separator: " , ")
        return argument.kind == .flag ? flags : flags + " " + value
    }

    /// An abstract as the line after a name: no capital, no full stop.
    private static func summary(_ abstract: String) -> String {
        let text = abstract.hasSuffix(".") ? String(abstract.dropLast()) : abstract
        return text.prefix(1).lowercased() + text.dropFirst()
    }

    /// Takes a paragraph `Exit status: 0 done, 1 failed` out of the blocks and apart.
    private static func exitStatuses(
        of blocks: [Markdown.Block]
    ) -> (statuses: [(String, String)], rest: [Markdown.Block]) {
        var statuses: [(String, String)] = []
        let rest = blocks.filter { block in
            guard case .prose(let prose) = block, prose.hasPrefix("Exit status: ") else {
                return true
            }
            for part in prose.dropFirst("Exit status: ".count).split(whereSeparator: {
                ",·".contains($0)
            }) {
                let words = part.split(separator: " ", maxSplits: 1)
                if let first = words.first, Int(first) != nil, words.count == 2 {
                    statuses.append((String(first), String(words[1])))
                } else if let last = statuses.indices.last {
                    // A comma within a meaning.
                    statuses[last].1 += "," + part
                }
            }
            return false
        }
        return (
            statuses.map { ($0.0, $0.1.hasSuffix(".") ? $0.1 : trimmed($0.1) + ".") }, rest
        )
    }

    private static func trimmed(_ text: String) -> String {
        String(text.reversed().drop { $0 == " " }.reversed())
    }
}
