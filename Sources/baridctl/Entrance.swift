// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Control
import Declarations
import Glibc

/// Where the program begins: what the command line got wrong is told like every other fault, with
/// `--json` as an object too.
extension Baridctl {
    static func main() {
        let words = Array(CommandLine.arguments.dropFirst())
        if let text = unknownCommand(in: words) {
            refuse(text, words)
        }
        var command: any ParsableCommand
        do {
            command = try parseAsRoot(words)
        } catch {
            guard exitCode(for: error) == .validationFailure else { exit(withError: error) }
            refuse(fullMessage(for: error), words)
        }
        do {
            try command.run()
        } catch {
            exit(withError: error)
        }
    }

    private static func refuse(_ text: String, _ words: [String]) -> Never {
        let fault = OperatorFault(code: "usage", exit: .usage, text: text)
        let isForPrograms = words.contains("--json") || words.contains("--ndjson")
        Output(form: isForPrograms ? .json : .lines, isColored: false).report(usage: fault)
        fflush(nil)
        Glibc.exit(fault.exit)
    }

    /// What to say of a word where a command should be, whatever follows it; nil if all are known.
    private static func unknownCommand(in words: [String]) -> String? {
        var command: any ParsableCommand.Type = Self.self
        var path = "baridctl"
        for word in words {
            let subcommands = command.configuration.subcommands
            guard !word.hasPrefix("-"), !subcommands.isEmpty else { return nil }
            if word == "help", path == "baridctl" { return nil }
            guard let next = subcommands.first(where: { $0._commandName == word }) else {
                let names = subcommands.map { $0._commandName }
                return "\(path) has no command '\(shown(word))'."
                    + Suggestion.text(for: word, among: names)
                    + " It has: \(names.joined(separator: ", ")). See \(path) --help."
            }
            command = next
            path += " " + word
        }
        return nil
    }
}

extension Output {
    /// Says what is wrong with a command line, line ends and all.
    fileprivate func report(usage fault: OperatorFault) {
        if isForPrograms { try? failure(fault) }
        for line in fault.text.split(separator: "\n", omittingEmptySubsequences: false) {
            message(line == fault.text[...] ? "baridctl: \(line)" : String(line))
        }
    }
}
