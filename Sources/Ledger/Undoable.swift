// SPDX-License-Identifier: Apache-2.0

/// Values in memory that go with rows on disk, and go back with them when a transaction does.
///
/// Between `mark` and `keep` or `undo` the first change of a value keeps the old one. Marks nest, as
/// a savepoint does in its transaction.
struct Undoable<Key: Hashable, Value> {
    private(set) var values: [Key: Value] = [:]
    private var marks: [[Key: Value?]] = []

    /// The value of a key.
    subscript(key: Key) -> Value? {
        get { values[key] }
        set {
            remember(key)
            values[key] = newValue
        }
    }

    /// Changes a value in place; nil if there is none.
    @discardableResult
    mutating func change<Result, Fault: Error>(
        _ key: Key,
        _ body: (inout Value) throws(Fault) -> Result
    ) throws(Fault) -> Result? {
        guard let place = values.index(forKey: key) else { return nil }
        remember(key)
        return try body(&values.values[place])
    }

    /// Keys changed since the innermost mark.
    var changed: [Key] { marks.last.map { Array($0.keys) } ?? [] }

    /// From here on changes can be undone.
    mutating func mark() { marks.append([:]) }

    /// What changed since the last mark stays.
    mutating func keep() {
        guard let mark = marks.popLast(), !marks.isEmpty else { return }
        marks[marks.count - 1].merge(mark) { old, _ in old }
    }

    /// What changed since the last mark goes back.
    mutating func undo() {
        guard let mark = marks.popLast() else { return }
        for (key, value) in mark { values[key] = value }
    }

    private mutating func remember(_ key: Key) {
        guard !marks.isEmpty, marks[marks.count - 1][key] == nil else { return }
        marks[marks.count - 1].updateValue(values[key], forKey: key)
    }
}
