// SPDX-License-Identifier: Apache-2.0

/// A stored property of a class that only one thread touches, without run-time exclusivity checks.
///
/// The ledger's state belongs to one object, so the compiler cannot prove that a `mutating` method of
/// another module does not come back to the property it was called on, and checks at every access:
/// some 45 checks and a tenth of the instructions of a hop that were not SQLite's. The methods called
/// on confined properties are values' own (`Rules`, the standard library) and hold no reference to
/// the object, so there is nothing they could come back by. Keep it so: never open a confined
/// property to a closure that uses its owner.
@propertyWrapper
package struct Confined<Value> {
    private final class Memory {
        let pointer: UnsafeMutablePointer<Value>

        init(_ value: consuming Value) {
            pointer = .allocate(capacity: 1)
            pointer.initialize(to: value)
        }

        deinit {
            pointer.deinitialize(count: 1)
            pointer.deallocate()
        }
    }

    private let memory: Memory
    private let pointer: UnsafeMutablePointer<Value>

    /// Confines a value to the owner of the property.
    package init(wrappedValue: consuming Value) {
        memory = Memory(wrappedValue)
        pointer = memory.pointer
    }

    /// The value.
    package var wrappedValue: Value {
        @inline(__always) _read { yield pointer.pointee }
        @inline(__always) nonmutating _modify { yield &pointer.pointee }
    }
}
