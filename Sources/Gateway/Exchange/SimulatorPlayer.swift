// SimulatorPlayer.swift — plays a simulator's script in time. The shell of a pure machine, in place
// of a connection to an upstream.

import GatewayProviders
import Reactor
import ReactorCore

/// Who a script is played to. All calls come within a turn; slices are valid during the call.
protocol SimulatorAudience: AnyObject {
    /// The answer begins.
    func simulatorHead(_ head: SimulatorHead, _ script: borrowing SimulatorScript)
    /// Bytes of its body.
    func simulatorBody(_ bytes: ByteSlice)
    /// It is complete.
    func simulatorEnded()
    /// It breaks off.
    func simulatorCut(resets: Bool)
}

/// Plays one script at a time.
final class SimulatorPlayer {
    private unowned(unsafe) let loop: EventLoop
    private unowned(unsafe) var audience: (any SimulatorAudience)?
    private var script: SimulatorScript?
    private var step: SimulatorStep?
    private var due = Instant(nanoseconds: 0)
    private var timer: LoopTimer?
    private var isPaused = false

    init(_ loop: EventLoop) {
        self.loop = loop
        timer = LoopTimer(loop) { [unowned(unsafe) self] in run() }
    }

    deinit { timer?.cancel() }

    /// Starts. The first step comes in a later turn: the caller is still at work on the request.
    func play(_ script: consuming SimulatorScript, to audience: any SimulatorAudience) {
        self.audience = audience
        self.script = consume script
        isPaused = false
        due = loop.now
        advance()
        timer?.set(due)
    }

    /// Stops; the audience hears nothing more.
    func stop() {
        script = nil
        step = nil
        audience = nil
        timer?.set(.never)
    }

    /// Holds the next step back.
    func pause() { isPaused = true }

    /// Goes on; what has become due meanwhile comes at once.
    func resume() {
        guard isPaused else { return }
        isPaused = false
        if step != nil { timer?.set(max(due, loop.now)) }
    }

    /// Delays are added to due times and not to the clock, so that lateness does not build up.
    private func advance() {
        step = script?.next()
        if let step { due = due.advanced(nanoseconds: Int64(step.delayNanoseconds)) }
    }

    private func run() {
        // What is done to the audience may stop this player or let go of it.
        withExtendedLifetime(self) {
            while !isPaused, let step, due <= loop.now {
                self.step = nil
                perform(step.action)
                guard script != nil else { return }
                advance()
            }
            if step != nil, !isPaused { timer?.set(due) }
        }
    }

    private func perform(_ action: SimulatorStep.Action) {
        switch action {
        case .head(let head):
            guard let script = script.take() else { return }
            audience?.simulatorHead(head, script)
            if audience != nil { self.script = consume script }
        case .body:
            var buffer = loop.takeBuffer()
            script?.write(into: &buffer)
            audience?.simulatorBody(buffer.slice)
            loop.giveBuffer(&buffer)
        case .end:
            finish()?.simulatorEnded()
        case .cut:
            finish()?.simulatorCut(resets: false)
        case .reset:
            finish()?.simulatorCut(resets: true)
        case .hang:
            step = nil
        }
    }

    private func finish() -> (any SimulatorAudience)? {
        let audience = self.audience
        stop()
        return audience
    }
}
