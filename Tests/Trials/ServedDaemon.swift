// SPDX-License-Identifier: Apache-2.0

import Foundation
import Platform
import Wire

/// A daemon of this build as a process that can be killed at any moment.
final class ServedDaemon {
    let number: pid_t
    /// Where it listens, once it is ready.
    private(set) var endpoints: [String] = []
    /// When it was started, by the monotonic clock in milliseconds.
    let startedAt: Int64
    private var output: Int32
    private var isReaped = false
    /// What it exited with, once it was reaped.
    private(set) var exitCode: Int32 = 0

    /// Starts `baridd` beside this program on a data directory, with so many descriptors at most.
    init(data: String, _ options: [String] = [], descriptorsMax: Int? = nil) throws {
        let own = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        let program = own.split(separator: "/").dropLast().reduce("") { "\($0)/\($1)" } + "/baridd"
        var ends: [Int32] = [0, 0]
        guard pipe(&ends) == 0 else { throw SystemFault.latest("make a pipe", nil) }
        for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
        defer { close(ends[1]) }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_adddup2(&actions, ends[1], STDOUT_FILENO)
        var command = [program, "--data", data] + options
        if let descriptorsMax {
            let script = "ulimit -n \(descriptorsMax); exec \"$@\""
            command = ["/bin/sh", "-c", script, "sh"] + command
        }
        var words = command.map { strdup($0) } + [nil]
        defer { for word in words { free(word) } }
        startedAt = Clock.monotonicMilliseconds()
        var number = pid_t()
        let status = posix_spawn(&number, command[0], &actions, nil, &words, environ)
        guard status == 0 else {
            throw SystemFault(errno: status, operation: "start", path: program)
        }
        self.number = number
        output = ends[0]
    }

    deinit {
        kill()
        reap()
        close(output)
    }

    /// Waits until it answers; false if it ended before.
    func waitUntilReady() -> Bool {
        var said: [UInt8] = []
        var block = [UInt8](repeating: 0, count: 4_096)
        while true {
            let count = read(output, &block, block.count)
            guard count > 0 else { return false }
            said += block[..<count]
            let text = String(decoding: said, as: UTF8.self)
            guard text.contains("is ready on"), text.contains("bus.sock\n"), text.hasSuffix("\n")
            else { continue }
            endpoints = text.split(separator: "\n").dropFirst().map {
                $0.trimmingCharacters(in: .whitespaces)
            }
            return true
        }
    }

    /// Ends it as a power failure would, unless it was reaped.
    func kill() {
        if !isReaped { _ = Foundation.kill(number, SIGKILL) }
    }

    /// Waits for its end.
    ///
    /// - Returns: The signal it died of; 0 if it exited by itself.
    @discardableResult
    func reap() -> Int32 {
        guard !isReaped else { return 0 }
        var status: Int32 = 0
        while waitpid(number, &status, 0) < 0, errno == EINTR {}
        isReaped = true
        exitCode = status >> 8 & 0xFF
        return status & 0x7F
    }

    func endpoint(_ transport: String) -> String {
        endpoints.first { $0.hasPrefix(transport) } ?? ""
    }
}
