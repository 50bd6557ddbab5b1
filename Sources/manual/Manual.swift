// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser
internal import Foundation

/// `manual`: writes the manual pages, in mdoc(7), from what the programs and guides say themselves.
///
/// It is a tool of `Deploy/package`; nobody installs it.
@main
struct Manual: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "manual",
        abstract: "Write a manual page in mdoc from a program's help, a guide or a settings file.",
        subcommands: [ProgramCommand.self, GuideCommand.self]
    )
}

/// What every page needs to know beside its text.
struct PageOptions: ParsableArguments {
    @Option(help: "Section of the manual, 1 to 9.")
    var section: Int

    @Option(help: ArgumentHelp("Day the page is of, as 2026-11-24.", valueName: "day"))
    var date: String

    func validate() throws {
        guard (1...9).contains(section) else { throw ValidationError("--section is 1 to 9.") }
        guard Mdoc.month(of: date) != nil else {
            throw ValidationError("--date is a day such as 2026-11-24.")
        }
    }
}

/// `manual program`: a page about a program.
struct ProgramCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "program",
        abstract: "Write the page of a program from its own help."
    )

    @Argument(help: "What the program prints with --experimental-dump-help, as a file.")
    var help: String

    @Option(help: "Further sections, in Markdown.")
    var more: String

    @Option(help: "The command it runs without one; the help does not tell.")
    var main: String?

    @OptionGroup var page: PageOptions

    func run() throws {
        let help = try JSONDecoder().decode(
            ProgramHelp.self,
            from: Data(contentsOf: URL(filePath: help))
        )
        // Kinds of dump that are not known would be read wrongly in silence.
        guard help.serializationVersion == 0 else {
            throw ValidationError("The help has form \(help.serializationVersion); 0 is known.")
        }
        let more = try Markdown(String(contentsOfFile: more, encoding: .utf8))
        let text = ProgramPage(help.command, main: main, more: more)
            .text(section: page.section, date: page.date)
        print(text, terminator: "")
    }
}

/// `manual guide`: a page about a form of file.
struct GuideCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "guide",
        abstract: "Write the page of a form of file from its guide."
    )

    @Argument(help: "The guide, in Markdown, or a settings file whose comments are the guide.")
    var guide: String

    @Option(help: "Name of the page.")
    var name: String

    @Option(help: "What it is about, in one line.")
    var summary: String

    @Option(help: "Further sections, in Markdown.")
    var more: String?

    @OptionGroup var page: PageOptions

    func run() throws {
        let text = try String(contentsOfFile: guide, encoding: .utf8)
        let isSettings = guide.hasSuffix(".yaml")
        let markdown = Markdown(isSettings ? Settings.guide(of: text) : text)
        var mdoc = Mdoc(title: name, section: page.section, date: page.date, summary: summary)
        mdoc.section("DESCRIPTION")
        mdoc.append(markdown.opening)
        for section in markdown.sections {
            mdoc.section(section.title.uppercased())
            mdoc.append(section.blocks)
        }
        if let more {
            let text = try String(contentsOfFile: more, encoding: .utf8)
            mdoc.appendStandard(Markdown(text).sections)
        }
        print(mdoc.text, terminator: "")
    }
}
