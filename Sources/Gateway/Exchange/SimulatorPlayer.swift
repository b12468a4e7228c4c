// SimulatorPlayer.swift — plays a simulator's script in time. The shell of a pure machine, in place
// of a connection to an upstream.

import GatewayModel
import GatewayProviders
import Reactor
import ReactorCore

/// One simulated answer in progress.
final class SimulatorPlayer {
    private unowned(unsafe) let loop: EventLoop
    private unowned(unsafe) let sink: any UpstreamSink
    private var script: SimulatorScript?
    private var step: SimulatorStep?
    private var due = Instant(nanoseconds: 0)
    private var timer: LoopTimer?
    private var isPaused = false
    private var buffer = ByteBuffer()

    init(_ loop: EventLoop, sink: any UpstreamSink) {
        self.loop = loop
        self.sink = sink
        timer = LoopTimer(loop) { [unowned(unsafe) self] in
            // The sink may let go of this player in the middle of a step.
            withExtendedLifetime(self) { self.run() }
        }
    }

    /// Starts. The first step comes in a later turn: the caller is still at work on the request.
    func play(_ script: consuming SimulatorScript) {
        self.script = consume script
        due = loop.now
        advance()
        timer?.set(due)
    }

    /// Stops for good; the sink hears nothing more.
    func stop() {
        script = nil
        step = nil
        timer?.cancel()
        buffer.release()
    }

    func pause() { isPaused = true }

    func resume() {
        guard isPaused else { return }
        isPaused = false
        if step != nil { timer?.set(max(due, loop.now)) }
    }

    private func advance() {
        step = script?.next()
        if let step { due = due.advanced(nanoseconds: Int64(step.delayNanoseconds)) }
    }

    private func run() {
        while !isPaused, let step, due <= loop.now {
            self.step = nil
            perform(step.action)
            guard script != nil else { return }
            advance()
        }
        if step != nil, !isPaused { timer?.set(due) }
    }

    private func perform(_ action: SimulatorStep.Action) {
        switch action {
        case .head(let head):
            sink.upstreamHead(status: head.status, contentType: ByteSlice(head.contentType))
        case .body:
            buffer.removeAll()
            script?.write(into: &buffer)
            sink.upstreamBody(buffer.slice)
        case .end:
            sink.upstreamEnded()
        case .cut, .reset:
            sink.upstreamLost(
                Failure(.upstreamCut, "The connection to the simulator was lost."))
        case .hang:
            stop()
        }
    }
}
