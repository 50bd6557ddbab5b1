// SPDX-License-Identifier: Apache-2.0

internal import Platform
internal import Synchronization

/// Set once, when the server is to stop; wakes every thread that waits on its descriptor, since
/// nobody drains it.
final class StopMark: Sendable {
    private let mark = Atomic(false)
    private let signal: EventSignal

    init() throws(SystemFault) {
        signal = try EventSignal()
    }

    var isSet: Bool { mark.load(ordering: .acquiring) }

    /// Readable once set.
    var fileDescriptor: Int32 { signal.fileDescriptor }

    func set() {
        mark.store(true, ordering: .releasing)
        signal.signal()
    }
}
