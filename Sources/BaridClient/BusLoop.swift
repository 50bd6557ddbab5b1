// SPDX-License-Identifier: Apache-2.0

internal import Platform
internal import Synchronization
internal import Wire
internal import ZeroMQ

/// What a connection is made with.
struct BusOptions: Sendable {
    var endpoint: String
    var agency: String
    var name: String
    var credentials: Credentials?
    var openingMilliseconds: Int64
}

/// The meeting place of callers and the loop thread, which alone owns the socket and the session.
///
/// Callers append commands under the mutex and signal; the thread takes them all at once. After the
/// thread has ended, `post` refuses, so no continuation is left behind.
final class BusLoop: Sendable {
    typealias Waiter = CheckedContinuation<Result<Reply, BaridError>, Never>

    enum Command {
        case ask(Request, ticket: UInt64, Waiter)
        case staff(Desk, title: String, credit: Int, ticket: UInt64, Waiter)
        case stand(Int, Standing, Tray<News>, Waiter)
        case leave(Int)
        case abandon(ticket: UInt64)
        case consumed(desk: Int, session: UInt64, bytes: UInt64)
        case close
    }

    /// How long settle verbs wait for their answer.
    let timeoutMilliseconds: Int64
    private let signal: EventSignal
    private let inbox = Mutex(Inbox())
    private let tickets = Atomic<UInt64>(SessionState.openingTicket)
    private let thread = Mutex<WorkerThread?>(nil)

    private struct Inbox {
        var commands: [Command] = []
        var isEnded = false
        var opening: Waiter?
        var enders: [CheckedContinuation<Void, Never>] = []
        var isGone = false
    }

    init(timeoutMilliseconds: Int64) throws(SystemFault) {
        self.timeoutMilliseconds = timeoutMilliseconds
        signal = try EventSignal()
    }

    /// A number not used before; desks and requests share them.
    func nextTicket() -> UInt64 { tickets.wrappingAdd(1, ordering: .relaxed).newValue }

    /// Hands a command to the thread; false if it has ended.
    @discardableResult
    func post(_ command: Command) -> Bool {
        let (isTaken, isFirst) = inbox.withLock { inbox in
            guard !inbox.isEnded else { return (false, false) }
            inbox.commands.append(command)
            return (true, inbox.commands.count == 1)
        }
        if isFirst { signal.signal() }
        return isTaken
    }

    /// Asks and waits for the answer.
    ///
    /// A cancelled wait ends at once; the request may still be done.
    func ask(_ request: Request) async throws(BaridError) -> Reply {
        let ticket = nextTicket()
        return try await wait(for: ticket) { .ask(request, ticket: ticket, $0) }
    }

    /// Posts the command made with the waiter, and waits for its outcome.
    func wait(
        for ticket: UInt64,
        _ command: (Waiter) -> Command
    ) async throws(BaridError) -> Reply {
        let result = await withTaskCancellationHandler {
            await withCheckedContinuation { waiter in
                guard post(command(waiter)) else {
                    return waiter.resume(returning: .failure(.client(.closed)))
                }
                // A cancellation before this line found nothing to abandon; one after it does.
                if Task.isCancelled { post(.abandon(ticket: ticket)) }
            }
        } onCancel: {
            post(.abandon(ticket: ticket))
        }
        return try result.get()
    }

    /// Asks for something that shall stand, and waits for its first answer.
    func stand(
        _ standing: Standing
    ) async throws(BaridError) -> (Post, header: Header) {
        let ticket = nextTicket()
        let post = Post(key: Int(truncatingIfNeeded: ticket), loop: self)
        let reply = try await wait(for: ticket) { .stand(post.key, standing, post.tray, $0) }
        return (post, reply.header)
    }

    /// Returns once the thread has closed its socket and does nothing more.
    func waitForEnd() async {
        await withCheckedContinuation { ender in
            let isGone = inbox.withLock { inbox in
                if !inbox.isGone { inbox.enders.append(ender) }
                return inbox.isGone
            }
            if isGone { ender.resume() }
        }
    }

    /// Leaves the waiter of the first `hello` for the thread to find, then starts the thread.
    func open(_ waiter: Waiter, _ options: BusOptions) {
        inbox.withLock { $0.opening = waiter }
        do throws(SystemFault) {
            try thread.withLock { thread throws(SystemFault) in
                thread = try WorkerThread(name: "barid-client") {
                    self.run(options)
                    self.finish()
                }
            }
        } catch {
            _ = end()
            finish()
            waiter.resume(returning: .failure(.faulty("The client \(error).")))
        }
    }

    /// Waits until the thread has ended; whoever drops the last reference must have joined it.
    func join() {
        var ended: WorkerThread? = thread.withLock { $0.take() }
        ended.take()?.join()
    }

    private func run(_ options: BusOptions) {
        let opening = inbox.withLock { $0.opening.take() }
        var waiters: [UInt64: Waiter] = [:]
        if let opening { waiters[SessionState.openingTicket] = opening }
        var reason: BaridError = .client(.closed)
        do {
            var turn = try LoopTurn(options, wake: signal.fileDescriptor, waiters: waiters)
            waiters.removeAll()
            while !turn.isEnded {
                try turn.wait()
                signal.drain()
                for command in takeCommands() { turn.take(command) }
                try turn.work()
            }
            for command in end() { turn.take(command) }
            turn.settle()
            return
        } catch {
            reason = .faulty("The client \(error).")
        }
        for waiter in waiters.values { waiter.resume(returning: .failure(reason)) }
        for command in end() {
            switch command {
            case .ask(_, _, let waiter), .staff(_, _, _, _, let waiter),
                .stand(_, _, _, let waiter):
                waiter.resume(returning: .failure(reason))
            case .leave, .abandon, .consumed, .close: continue
            }
        }
    }

    private func finish() {
        let enders = inbox.withLock { inbox in
            inbox.isGone = true
            let enders = inbox.enders
            inbox.enders.removeAll()
            return enders
        }
        for ender in enders { ender.resume() }
    }

    private func takeCommands() -> [Command] {
        inbox.withLock { inbox in
            let commands = inbox.commands
            inbox.commands.removeAll()
            return commands
        }
    }

    /// Refuses further commands and returns the last ones.
    private func end() -> [Command] {
        inbox.withLock { inbox in
            inbox.isEnded = true
            let commands = inbox.commands
            inbox.commands.removeAll()
            return commands
        }
    }
}
