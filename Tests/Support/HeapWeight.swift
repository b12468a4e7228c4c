// HeapWeight.swift — what an object weighs, for tests that hold sizes. Imported by the tests of floors
// whose objects are many.

import Glibc

/// Bytes of the block that the C library has given for `object`, without what it points to.
package func heapWeight(of object: AnyObject) -> Int {
    typealias Function = @convention(c) (UnsafeMutableRawPointer?) -> Int
    // In <malloc.h>, which Swift's module of the C library leaves out.
    guard let symbol = dlsym(nil, "malloc_usable_size") else {
        preconditionFailure("this C library does not tell a block's size")
    }
    return unsafeBitCast(symbol, to: Function.self)(Unmanaged.passUnretained(object).toOpaque())
}
