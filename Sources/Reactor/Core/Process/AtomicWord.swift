// AtomicWord.swift — one 64-bit word of memory that several threads or processes share. The one
// place where Swift meets C11 atomics.

import CUV

/// A word at an address; copies mean the same word. Whoever hands it out keeps the memory.
///
/// `@unchecked Sendable`: every access is atomic, and the owner of the memory outlives its words.
public struct AtomicWord: @unchecked Sendable {
    @usableFromInline let address: UnsafeMutablePointer<UInt64>

    /// The word at `address`, 8-byte aligned.
    @inlinable
    public init(_ address: UnsafeMutablePointer<UInt64>) { self.address = address }

    /// Where it lies: for bytes that are written before a word says that they are there.
    @inlinable
    public var memory: UnsafeMutableRawPointer { UnsafeMutableRawPointer(address) }

    /// The word `offset` words behind this one.
    @inlinable
    public func advanced(by offset: Int) -> AtomicWord { AtomicWord(address + offset) }

    /// The value, in no order with other words: for counters, which one process writes.
    @inlinable
    public var value: Int {
        get { Int(truncatingIfNeeded: cuv_word_load(address)) }
        nonmutating set { cuv_word_store(address, UInt64(truncatingIfNeeded: newValue)) }
    }

    /// The value, in one order for all who look.
    @inlinable
    public func load() -> UInt64 { cuv_word_load_ordered(address) }

    /// Sets the value, in one order for all who look.
    @inlinable
    public func store(_ value: UInt64) { cuv_word_store_ordered(address, value) }

    /// Adds and returns the sum.
    @discardableResult
    public func add(_ amount: UInt64) -> UInt64 { cuv_word_add(address, amount) }

    /// Subtracts and returns the difference.
    @discardableResult
    public func subtract(_ amount: UInt64) -> UInt64 { cuv_word_subtract(address, amount) }

    /// Sets `desired` if the word holds `expected`; else `expected` becomes what it holds.
    public func exchange(_ expected: inout UInt64, for desired: UInt64) -> Bool {
        cuv_word_compare_exchange(address, &expected, desired)
    }
}
