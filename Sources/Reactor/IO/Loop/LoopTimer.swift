// LoopTimer.swift — a deadline that is cheap to move, and what happens when it passes.

import ReactorCore

/// One deadline on a loop and what happens when it passes.
///
/// Moving a deadline later costs one store, so an owner can push it with every byte. The owner must
/// keep the timer and `cancel` it before letting go.
public final class LoopTimer {
    private unowned(unsafe) let loop: EventLoop
    private let action: () -> Void
    private var state = Deadline()
    /// When the action is due; `.never` while it is not.
    public var deadline: Instant { state.time }

    /// A timer that is not set. `action` runs within a turn; it must not retain the owner.
    public init(_ loop: EventLoop, _ action: @escaping () -> Void) {
        self.loop = loop
        self.action = action
    }

    deinit { cancel() }

    /// Sets or moves the deadline; `.never` keeps the timer from firing.
    public func set(_ deadline: Instant) {
        if state.move(to: deadline) { state.schedule(on: loop, payload: payload) }
    }

    /// Takes the timer off the loop. One that is not on it may outlive it: the loop is not touched.
    public func cancel() {
        if state.isInWheel { state.cancel(on: loop) } else { state = Deadline() }
    }

    private var payload: UInt { DeadlineOwner.timer(.passUnretained(self)).payload }

    /// The wheel has given the timer another place.
    func renamed(_ id: TimerWheel.ID) { state.renamed(id) }

    /// The wheel has given the timer out: due now, or set later in the meantime.
    func popped() {
        if state.popped(on: loop, payload: payload) { action() }
    }
}
