// StaleQueue.swift — an order of ids some of which may have lost their meaning. For PoolMachine:
// leaving the order from the middle costs nothing, the ends skip what is stale.

/// A double-ended list. Its owner knows which ids still count.
struct StaleQueue<ID> {
    private var items: [ID] = []
    private var start = 0

    var first: ID? { start < items.count ? items[start] : nil }

    func first(where counts: (ID) -> Bool) -> ID? {
        items[start...].first(where: counts)
    }

    mutating func append(_ id: ID) { items.append(id) }

    mutating func popLast() -> ID? {
        guard start < items.count else { return nil }
        defer { compact() }
        return items.removeLast()
    }

    mutating func popFirst() -> ID? {
        guard let first else { return nil }
        removeFirst()
        return first
    }

    mutating func removeFirst() {
        start += 1
        compact()
    }

    /// Another queue of those that count, under the names that `renamed` gives them (nil: stale).
    func renamed(_ name: (ID) -> ID?) -> StaleQueue {
        var queue = StaleQueue()
        queue.items = items[start...].compactMap(name)
        return queue
    }

    private mutating func compact() {
        if start == items.count {
            items.removeAll(keepingCapacity: true)
            start = 0
        } else if start >= 64, start * 2 >= items.count {
            items.removeFirst(start)
            start = 0
        }
    }
}
