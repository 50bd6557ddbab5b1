// SPDX-License-Identifier: Apache-2.0

internal import ArgumentParser

/// `barid completion`: a script that makes a shell complete this program's command lines.
struct CompletionCommand: ParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "completion",
        abstract: "Print a script that completes barid in a shell.",
        discussion: """
            The packages install these scripts. Without them, such as for a program just built:

              eval "$(barid completion bash)"
              barid completion zsh >~/.zfunc/_barid
              barid completion fish >~/.config/fish/completions/barid.fish
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
        print(Barid.completionScript(for: shell))
    }
}
