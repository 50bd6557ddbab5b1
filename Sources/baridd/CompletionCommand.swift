// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser

/// `baridd completion`: a script that makes a shell complete this program's command lines.
struct CompletionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "completion",
        abstract: "Print a script that completes baridd in a shell.",
        discussion: """
            The packages install these scripts. Without them, such as for a program just built:

              eval "$(baridd completion bash)"
              baridd completion zsh >~/.zfunc/_baridd
              baridd completion fish >~/.config/fish/completions/baridd.fish
            """
    )

    enum Shell: String, ExpressibleByArgument, CaseIterable { case bash, zsh, fish }

    @Argument(help: "The shell.")
    var shell: Shell

    func run() {
        let shell: CompletionShell =
            switch shell {
            case .bash: .bash
            case .zsh: .zsh
            case .fish: .fish
            }
        print(Baridd.completionScript(for: shell))
    }
}
