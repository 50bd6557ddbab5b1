// SPDX-License-Identifier: Apache-2.0

import Foundation
import Platform
import Synchronization

/// How a process ended.
enum Ending: Equatable, Sendable {
    case exited(Int32)
    case killed(Int32)
    /// It went on past its time, and was then killed.
    case overran
}

/// A program of this build as a process of its own, ended with the test by its number alone.
final class ChildProcess: Sendable {
    let number: pid_t
    private let state: Mutex<State>

    private struct State {
        /// Read ends of standard output and standard error; -1 once at their end.
        var pipes: (Int32, Int32)
        var said: ([UInt8], [UInt8]) = ([], [])
        var ending: Ending?
    }

    /// Starts a program that stands beside the one that runs the tests, or one with a path.
    init(_ program: String, _ arguments: [String]) throws {
        let output = try Self.pipe()
        let errors = try Self.pipe()
        defer { for end in [output.write, errors.write] { close(end) } }
        var actions = posix_spawn_file_actions_t()
        posix_spawn_file_actions_init(&actions)
        defer { posix_spawn_file_actions_destroy(&actions) }
        posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
        posix_spawn_file_actions_adddup2(&actions, output.write, 1)
        posix_spawn_file_actions_adddup2(&actions, errors.write, 2)
        var attributes = posix_spawnattr_t()
        posix_spawnattr_init(&attributes)
        defer { posix_spawnattr_destroy(&attributes) }
        var none = sigset_t()
        sigemptyset(&none)
        posix_spawnattr_setsigmask(&attributes, &none)
        posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))

        let path = program.contains("/") ? program : try Self.products() + "/" + program
        var words = ([path] + arguments).map { strdup($0) } + [nil]
        let variables = ProcessInfo.processInfo.environment.filter { !$0.key.hasPrefix("BARID_") }
        var environment = variables.map { strdup("\($0)=\($1)") } + [nil]
        defer { for text in words + environment { free(text) } }
        var number = pid_t()
        let status = posix_spawn(&number, path, &actions, &attributes, &words, &environment)
        guard status == 0 else {
            throw SystemFault(errno: status, operation: "start", path: path)
        }
        self.number = number
        state = Mutex(State(pipes: (output.read, errors.read)))
    }

    deinit {
        kill()
        _ = ending(seconds: 20)
    }

    /// Everything it has said on standard output so far.
    var output: String { state.withLock { String(decoding: $0.said.0, as: UTF8.self) } }
    /// Everything it has said on standard error so far.
    var errors: String { state.withLock { String(decoding: $0.said.1, as: UTF8.self) } }

    /// Ends it as a power failure would.
    func kill() { signal(SIGKILL) }

    /// Sends it a signal, unless it has ended.
    func signal(_ signal: Int32) {
        state.withLock { if $0.ending == nil { _ = Foundation.kill(number, signal) } }
    }

    /// Listens until it has said enough; false if it ended or the time was over before.
    func listen(seconds: Int64, until isEnough: (_ output: String, _ errors: String) -> Bool)
        -> Bool
    {
        let limit = Clock.monotonicMilliseconds() + seconds * 1_000
        while !isEnough(output, errors) {
            guard
                state.withLock({ $0.pipes != (-1, -1) && Self.readMore(&$0, until: limit) })
            else { return isEnough(output, errors) }
        }
        return true
    }

    /// Waits for its end and collects it; kills it if it does not come in time.
    ///
    /// What it left running may keep its pipes open: only what was said until its end is read.
    func ending(seconds: Int64 = 60) -> Ending {
        let limit = Clock.monotonicMilliseconds() + seconds * 1_000
        return state.withLock { state in
            if let ending = state.ending { return ending }
            var status: Int32 = 0
            var isOverdue = false
            while waitpid(number, &status, WNOHANG) == 0 {
                let now = Clock.monotonicMilliseconds()
                if now >= limit, !isOverdue {
                    isOverdue = true
                    _ = Foundation.kill(number, SIGKILL)
                }
                _ = Self.readMore(&state, until: now + Self.glanceMilliseconds)
            }
            while state.pipes != (-1, -1), Self.readMore(&state, until: 0) {}
            for end in [state.pipes.0, state.pipes.1] where end >= 0 { close(end) }
            state.pipes = (-1, -1)
            let signal = status & 0x7F
            let ending = signal == 0 ? Ending.exited(status >> 8 & 0xFF) : .killed(signal)
            state.ending = isOverdue ? .overran : ending
            return isOverdue ? .overran : ending
        }
    }

    /// Between two looks whether it has ended.
    private static let glanceMilliseconds: Int64 = 20

    /// Reads what has come; false once both pipes are at their end or the time is over.
    private static func readMore(_ state: inout State, until limit: Int64) -> Bool {
        var ends = [
            pollfd(fd: state.pipes.0, events: Int16(POLLIN), revents: 0),
            pollfd(fd: state.pipes.1, events: Int16(POLLIN), revents: 0),
        ]
        // With both at their end it still waits, for the end of the program.
        let left = max(0, limit - Clock.monotonicMilliseconds())
        let count = poll(&ends, 2, Int32(clamping: left))
        guard count != 0 else { return false }
        if ends[0].revents != 0 { read(&state.pipes.0, &state.said.0) }
        if ends[1].revents != 0 { read(&state.pipes.1, &state.said.1) }
        return true
    }

    private static func read(_ end: inout Int32, _ said: inout [UInt8]) {
        var block = [UInt8](repeating: 0, count: 65_536)
        let count = Foundation.read(end, &block, block.count)
        if count > 0 {
            said.append(contentsOf: block[..<count])
        } else if count == 0 || errno != EINTR {
            close(end)
            end = -1
        }
    }

    private static func pipe() throws -> (read: Int32, write: Int32) {
        var ends: [Int32] = [-1, -1]
        // Closed on exec from the first, so that no other child keeps it open beyond its owner's
        // end; the C library hides pipe2 from Swift.
        let kind = Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue)
        guard socketpair(AF_UNIX, kind, 0, &ends) == 0 else {
            throw SystemFault(errno: errno, operation: "make a pipe", path: "")
        }
        return (ends[0], ends[1])
    }

    /// The folder of the programs of this build.
    static func products() throws -> String {
        let program = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
        return URL(filePath: program).deletingLastPathComponent().path
    }
}

/// What a program that ran to its end left.
struct Ended {
    var status: Int32
    var output: String
    var errors: String

    /// Runs a program of this build to its end.
    init(_ program: String, _ arguments: [String], seconds: Int64 = 60) throws {
        let child = try ChildProcess(program, arguments)
        let ending = child.ending(seconds: seconds)
        status = if case .exited(let status) = ending { status } else { -1 }
        output = child.output
        errors = child.errors
    }

    /// Standard output read as one JSON object.
    var json: [String: Any] {
        get throws {
            let value = try JSONSerialization.jsonObject(with: Data(output.utf8))
            return value as? [String: Any] ?? [:]
        }
    }
}
