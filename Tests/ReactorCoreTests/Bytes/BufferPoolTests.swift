// BufferPoolTests.swift — what the pool keeps, and what it gives back.

import ReactorCore
import Testing

@Suite struct BufferPoolTests {
    @Test func keepsAFewOrdinaryBuffersWhenItReleasesMemory() {
        var pool = BufferPool(capacity: 16)
        for index in 0..<10 {
            pool.give(ByteBuffer(capacity: index % 2 == 0 ? 100_000 : 5000))
        }
        pool.releaseMemory(keeping: 3)
        let capacities = (0..<4).map { _ in pool.take().capacity }
        // The fourth is a new one.
        #expect(capacities == [5000, 5000, 5000, 4096])
        pool.releaseMemory(keeping: 3)
        #expect(pool.take().capacity == 4096)
    }
}
