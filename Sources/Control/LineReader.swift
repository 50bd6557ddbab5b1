// SPDX-License-Identifier: Apache-2.0

/// Cuts what arrives on a connection into lines; holds at most one line and one read's bytes.
struct LineReader {
    /// What the bytes so far amount to.
    enum Found: Equatable {
        /// A line, without its end.
        case line([UInt8])
        /// A line longer than the limit; said once, and the rest of it is thrown away.
        case tooLong
        /// Not yet a line.
        case nothing
    }

    private let lineBytesMax: Int
    private var bytes: [UInt8] = []
    /// Where the line begins that is looked for next.
    private var start = 0
    /// Up to here there is no line end, so that a line dripping in costs no second look.
    private var searched = 0
    private var isSkipping = false

    init(lineBytesMax: Int) { self.lineBytesMax = lineBytesMax }

    /// Whether a line has begun that has not ended.
    var holdsPart: Bool { start < bytes.count || isSkipping }

    mutating func append(_ more: some Collection<UInt8>) {
        bytes.removeSubrange(..<start)
        searched -= start
        start = 0
        bytes.append(contentsOf: more)
    }

    mutating func next() -> Found {
        while let end = bytes[searched...].firstIndex(of: UInt8(ascii: "\n")) {
            let line = bytes[start..<end]
            start = end + 1
            searched = start
            if isSkipping {
                isSkipping = false
                continue
            }
            return line.count > lineBytesMax ? .tooLong : .line(Array(line))
        }
        searched = bytes.count
        guard isSkipping || bytes.count - start > lineBytesMax else { return .nothing }
        start = bytes.count
        let isNews = !isSkipping
        isSkipping = true
        return isNews ? .tooLong : .nothing
    }
}
