// TimerWheel.swift — all deadlines of one loop in a hierarchical timing wheel.
// Reads no clock: the shell hands the time in and asks when to come again. Imported by Reactor.

#if canImport(Glibc)
    import Glibc
#endif

/// Timers with a tick of one millisecond; scheduling, rescheduling and cancelling are O(1).
///
/// Eight levels of 64 slots. A timer lies at the level of the highest group of six bits in which
/// its tick differs from the current one, in the slot which that group names:
///
///     level 0   | now | +1 | +2 | ... 63 |                one tick a slot
///     level 1   | now | +1 | +2 | ... 63 |               64 ticks a slot
///     level 7   | now | ...                           4 398 046 511 104 ticks a slot
///
/// When time reaches the start of a slot above level 0, its timers move to lower levels.
///
/// Invariants: a timer's tick shares all bits above its level with `current`; on levels above 0
/// no slot at or before the one of `current` is occupied, on level 0 none before it. Therefore
/// slots never wrap around, and the lowest bit of the lowest occupied level is the next in time.
public struct TimerWheel: ~Copyable {
    /// Names one scheduled timer; stale once that has fired or was cancelled.
    public struct ID: Hashable, Sendable {
        let slot: UInt32
        let generation: UInt32

        init(slot: UInt32, generation: UInt32) {
            self.slot = slot
            self.generation = generation
        }

        /// The name as one word, never 0.
        public var packed: UInt64 { UInt64(generation) << 32 | UInt64(slot) }

        /// The name that `packed` was taken from.
        public init(packed: UInt64) {
            slot = UInt32(truncatingIfNeeded: packed)
            generation = UInt32(truncatingIfNeeded: packed >> 32)
        }
    }

    private struct Node {
        var tick: UInt64
        var payload: UInt
        var next: UInt32
        var previous: UInt32
        /// Which list the node is in: level * 64 + slot, `parked` or `unused`.
        var list: UInt32
        /// Never 0, so that no packed name is 0; changes when the node's timer ends.
        var generation: UInt32
    }

    /// Timers scheduled and neither fired nor cancelled.
    public private(set) var count = 0

    private let start: Instant
    /// The tick up to which slots have been emptied.
    private var current: UInt64 = 0
    /// The first tick that a timer scheduled now may have: one that was due already waits for it,
    /// so that a handler which schedules for "now" cannot keep `popExpired` busy for ever.
    private var earliest: UInt64 = 0

    private var nodes: UnsafeMutablePointer<Node>?
    private var nodeCount: UInt32 = 0
    private var nodeCapacity: UInt32 = 0
    private var firstUnused = Self.none
    /// What a node that is made anew begins with: above every name that its place has had.
    private var firstGeneration: UInt32 = 1
    /// The first node of each of the 512 lists.
    private let heads: UnsafeMutablePointer<UInt32>
    /// One bit per slot, one word per level.
    private let occupied: UnsafeMutablePointer<UInt64>

    private static let levels = 8
    private static let slotBits: UInt64 = 6
    private static let none = UInt32.max
    private static let parked: UInt32 = 512
    private static let unused: UInt32 = 513
    private static let never = UInt64.max
    private static let nanosecondsPerTick: UInt64 = 1_000_000

    /// A wheel without timers whose ticks are counted from `start`.
    public init(start: Instant) {
        self.start = start
        heads = .allocate(capacity: Self.levels * 64)
        heads.initialize(repeating: Self.none, count: Self.levels * 64)
        occupied = .allocate(capacity: Self.levels)
        occupied.initialize(repeating: 0, count: Self.levels)
    }

    deinit {
        free(nodes)
        heads.deallocate()
        occupied.deallocate()
    }

    /// Schedules a timer. One for `.never` only ends by being cancelled or rescheduled; one that
    /// is due already fires on the tick after the latest that `popExpired` was called for.
    public mutating func schedule(at deadline: Instant, payload: UInt) -> ID {
        let slot = takeNode()
        let node = nodes.unsafelyUnwrapped + Int(slot)
        node.pointee.payload = payload
        node.pointee.tick = tick(notBefore: deadline)
        count += 1
        link(slot)
        return ID(slot: slot, generation: node.pointee.generation)
    }

    /// Gives a timer another deadline; false if the name is stale.
    public mutating func reschedule(_ id: ID, at deadline: Instant) -> Bool {
        guard let node = node(of: id) else { return false }
        let tick = tick(notBefore: deadline)
        if tick != node.pointee.tick {
            unlink(id.slot)
            node.pointee.tick = tick
            link(id.slot)
        }
        return true
    }

    /// Ends a timer before its time. Its payload, or nil if the name is stale.
    public mutating func cancel(_ id: ID) -> UInt? {
        guard let node = node(of: id) else { return nil }
        unlink(id.slot)
        giveBack(id.slot)
        return node.pointee.payload
    }

    /// Takes out one timer that is due; call until nil. No timer comes before its deadline, and
    /// none is left that is a whole tick behind it. Timers may be scheduled and cancelled
    /// between the calls.
    public mutating func popExpired(now: Instant) -> (id: ID, payload: UInt)? {
        let last = now.nanoseconds(since: start) / Self.nanosecondsPerTick
        earliest = max(earliest, last + 1)
        while let (level, slot, begin) = nextSlot(), begin <= last {
            current = begin
            let list = level * 64 + slot
            if level == 0 {
                let first = heads[list]
                let node = nodes.unsafelyUnwrapped + Int(first)
                let id = ID(slot: first, generation: node.pointee.generation)
                unlink(first)
                giveBack(first)
                return (id, node.pointee.payload)
            }
            spread(list)
        }
        current = max(current, last)
        return nil
    }

    /// When `popExpired` must be called next: never later than the next timer is due, earlier
    /// when timers have to change levels first; nil without timers that can fire.
    public func nextWake(after now: Instant) -> Instant? {
        guard let (_, _, begin) = nextSlot() else { return nil }
        let (nanoseconds, tooLarge) = begin.multipliedReportingOverflow(by: Self.nanosecondsPerTick)
        let (sum, carried) = start.nanoseconds.addingReportingOverflow(nanoseconds)
        return tooLarge || carried ? .never : max(now, Instant(nanoseconds: sum))
    }

    // MARK: Slots

    /// The first tick that is not before `deadline` and can still be scheduled.
    private func tick(notBefore deadline: Instant) -> UInt64 {
        guard deadline != .never else { return Self.never }
        let (whole, rest) = deadline.nanoseconds(since: start)
            .quotientAndRemainder(dividingBy: Self.nanosecondsPerTick)
        return max(earliest, rest == 0 ? whole : whole + 1)
    }

    /// The occupied slot that begins first, and the tick at which it begins.
    private func nextSlot() -> (level: Int, slot: Int, begin: UInt64)? {
        for level in 0..<Self.levels where occupied[level] != 0 {
            let slot = occupied[level].trailingZeroBitCount
            let shift = UInt64(level) * Self.slotBits
            let above = current & ~((1 << (shift + Self.slotBits)) - 1)
            return (level, slot, above | UInt64(slot) << shift)
        }
        return nil
    }

    /// Moves the timers of a slot whose time has come to the levels below.
    private mutating func spread(_ list: Int) {
        var slot = heads[list]
        heads[list] = Self.none
        occupied[list / 64] &= ~(1 << UInt64(list % 64))
        while slot != Self.none {
            let next = nodes.unsafelyUnwrapped[Int(slot)].next
            link(slot)
            slot = next
        }
    }

    private func link(_ slot: UInt32) {
        let nodes = nodes.unsafelyUnwrapped
        let node = nodes + Int(slot)
        let tick = node.pointee.tick
        guard tick != Self.never else {
            node.pointee.list = Self.parked
            return
        }
        let differing = (tick ^ current) | (1 << Self.slotBits - 1)
        let level = (63 - differing.leadingZeroBitCount) / Int(Self.slotBits)
        let index = Int(tick >> (UInt64(level) * Self.slotBits)) & 63
        let list = level * 64 + index
        let first = heads[list]
        node.pointee.list = UInt32(list)
        node.pointee.previous = Self.none
        node.pointee.next = first
        if first != Self.none { nodes[Int(first)].previous = slot }
        heads[list] = slot
        occupied[level] |= 1 << UInt64(index)
    }

    private func unlink(_ slot: UInt32) {
        let nodes = nodes.unsafelyUnwrapped
        let node = nodes[Int(slot)]
        guard node.list != Self.parked else { return }
        let list = Int(node.list)
        if node.next != Self.none { nodes[Int(node.next)].previous = node.previous }
        if node.previous != Self.none {
            nodes[Int(node.previous)].next = node.next
        } else {
            heads[list] = node.next
            if node.next == Self.none { occupied[list / 64] &= ~(1 << UInt64(list % 64)) }
        }
    }

    // MARK: Memory

    /// Gives memory back where less than a quarter of the places is taken. Timers at the end move
    /// to the front; `renamed` is told the payload and the new name of each that moves, and the
    /// old name is stale from then on.
    public mutating func releaseMemory(_ renamed: (_ payload: UInt, ID) -> Void) {
        let kept = UInt32(max(64, count * 2))
        guard let nodes, nodeCapacity >= kept * 2 else { return }
        var free: UInt32 = 0
        var slot = kept
        while slot < nodeCount {
            let node = nodes + Int(slot)
            if node.pointee.list != Self.unused {
                // There is room: fewer than `kept` are taken.
                while nodes[Int(free)].list != Self.unused { free += 1 }
                move(slot, to: free)
                renamed(
                    node.pointee.payload,
                    ID(slot: free, generation: nodes[Int(free)].generation))
                node.pointee.generation &+= 1
            }
            firstGeneration = max(firstGeneration, node.pointee.generation)
            slot += 1
        }
        nodeCount = min(nodeCount, kept)
        chainUnused()
        // A smaller block that cannot be had leaves the larger one.
        if let memory = realloc(nodes, Int(kept) * MemoryLayout<Node>.stride) {
            self.nodes = memory.assumingMemoryBound(to: Node.self)
            nodeCapacity = kept
        }
    }

    /// Puts the timer at `slot` into the unused node at `free`, under that one's generation.
    private mutating func move(_ slot: UInt32, to free: UInt32) {
        let nodes = nodes.unsafelyUnwrapped
        unlink(slot)
        nodes[Int(free)].payload = nodes[Int(slot)].payload
        nodes[Int(free)].tick = nodes[Int(slot)].tick
        link(free)
    }

    /// Lists the unused nodes anew, the first in front.
    private mutating func chainUnused() {
        firstUnused = Self.none
        var slot = nodeCount
        while slot > 0 {
            slot -= 1
            let node = nodes.unsafelyUnwrapped + Int(slot)
            guard node.pointee.list == Self.unused else { continue }
            node.pointee.next = firstUnused
            firstUnused = slot
        }
    }

    // MARK: Nodes

    private func node(of id: ID) -> UnsafeMutablePointer<Node>? {
        guard id.slot < nodeCount, let nodes else { return nil }
        let node = nodes + Int(id.slot)
        guard node.pointee.generation == id.generation, node.pointee.list != Self.unused else {
            return nil
        }
        return node
    }

    private mutating func takeNode() -> UInt32 {
        if firstUnused != Self.none {
            let slot = firstUnused
            firstUnused = nodes.unsafelyUnwrapped[Int(slot)].next
            return slot
        }
        if nodeCount == nodeCapacity {
            let grown = max(64, nodeCapacity * 2)
            let bytes = Int(grown) * MemoryLayout<Node>.stride
            guard let memory = realloc(nodes, bytes) else {
                fatalError("out of memory: \(bytes) bytes")
            }
            nodes = memory.assumingMemoryBound(to: Node.self)
            nodeCapacity = grown
        }
        let slot = nodeCount
        nodeCount += 1
        (nodes.unsafelyUnwrapped + Int(slot)).initialize(
            to: Node(
                tick: 0, payload: 0, next: Self.none, previous: Self.none, list: Self.unused,
                generation: firstGeneration))
        return slot
    }

    /// The node's fields stay readable until it is taken again.
    private mutating func giveBack(_ slot: UInt32) {
        let node = nodes.unsafelyUnwrapped + Int(slot)
        node.pointee.list = Self.unused
        node.pointee.generation &+= 1
        if node.pointee.generation == 0 { node.pointee.generation = 1 }
        node.pointee.next = firstUnused
        firstUnused = slot
        count -= 1
    }
}
