// SPDX-License-Identifier: Apache-2.0

internal import Platform

/// The socket journald takes structured messages at.
///
/// A message is at most some tens of kilobytes (`Notice.textBytesMax` a field), well below what a
/// datagram carries, so the protocol's way round by a file in memory is not needed.
package struct JournalSocket: Sendable {
    /// Where journald listens.
    package static let standardPath = "/run/systemd/journal/socket"

    private let socket: DatagramSender

    /// A socket that sends to a path; nil if there can be none.
    package init?(path: String = standardPath) {
        guard let socket = DatagramSender(path: path) else { return nil }
        self.socket = socket
    }

    /// Whether systemd connected standard error to the journal, as `JOURNAL_STREAM` says.
    static var isStandardError: Bool { StandardError.isJournal }

    /// Sends a message; one the journal does not take goes to standard error, so that it is not lost.
    func send(_ notice: Notice) {
        guard !socket.send(notice.datagram) else { return }
        writeStandardError(notice.line + "\n")
    }
}
