// SPDX-License-Identifier: Apache-2.0

internal import Glibc
internal import Platform
internal import Synchronization
internal import ZeroMQ

/// How often a packet of one header goes from a DEALER to a ROUTER and back: the rate no conversation
/// with a daemon can exceed.
///
/// Both ends are bare: the router sends back what it gets. They meet at a unix socket, as a client
/// and a daemon of one machine do, each with a context of its own.
enum EchoFloor {
    private static let packetBytes = 72
    private static let patienceMilliseconds = 100

    private final class Router: Sendable {
        let isOver = Atomic<Bool>(false)
        let isBound = Mailbox<Bool>(capacity: 1)

        func run(_ endpoint: String) {
            guard let context = try? Context(), let socket = try? Socket(.router, in: context),
                (try? socket.bind(endpoint)) != nil
            else {
                _ = isBound.put(false)
                return
            }
            _ = isBound.put(true)
            var poller = Poller(capacity: 1)
            _ = poller.add(socket)
            let name = Frame()
            let packet = Frame()
            while !isOver.load(ordering: .acquiring) {
                _ = try? poller.waitForWork(timeoutMilliseconds: patienceMilliseconds)
                while case .message? = try? socket.receive(into: name),
                    case .message? = try? socket.receive(into: packet)
                {
                    _ = try? name.withBytes { try socket.send($0, more: true) }
                    _ = try? packet.withBytes { try socket.send($0) }
                }
            }
        }
    }

    /// Sends packets to and fro.
    ///
    /// - Parameters:
    ///   - directory: Where to make the socket; it is removed again.
    ///   - window: Packets under way at once, 1 to 1000.
    ///   - seconds: For how long.
    /// - Returns: Packets that came back, and the nanoseconds it took.
    /// - Throws: `SystemFault` if a thread cannot be started, `ZeroMQFault` if libzmq fails.
    static func run(
        directory: String,
        window: Int,
        seconds: Double
    ) throws -> (count: UInt64, nanoseconds: Int64) {
        let endpoint = "ipc://\(directory)/floor.sock"
        let router = Router()
        let thread = try WorkerThread(name: "echo") { router.run(endpoint) }
        defer {
            router.isOver.store(true, ordering: .releasing)
            thread.join()
            unlink("\(directory)/floor.sock")
        }
        guard router.isBound.take() == true else { return (0, 1) }
        let socket = try Socket(.dealer, in: try Context())
        try socket.connect(endpoint)
        var poller = Poller(capacity: 1)
        _ = poller.add(socket)
        let packet = [UInt8](repeating: 0x2A, count: packetBytes)
        let frame = Frame()
        let start = Clock.monotonicNanoseconds()
        let end = start + Int64(seconds * 1e9)
        for _ in 0..<window { _ = try packet.withUnsafeBytes { try socket.send($0) } }
        var count: UInt64 = 0
        var now = start
        while now < end {
            _ = try poller.waitForWork(timeoutMilliseconds: patienceMilliseconds)
            while case .message = try socket.receive(into: frame) {
                count += 1
                _ = try frame.withBytes { try socket.send($0) }
            }
            now = Clock.monotonicNanoseconds()
        }
        return (count, now - start)
    }
}
