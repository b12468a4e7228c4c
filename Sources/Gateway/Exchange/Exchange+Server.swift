// Exchange+Server.swift — what the client's connection tells an exchange: a head, a body, that it left
// or has room again.

import Reactor
import ReactorCore

extension Exchange: HTTPServerHandler {
    package func requestHeadArrived(_ head: HTTPHead, on connection: HTTPServerConnection) {
        begin(head, on: connection)
        switch head.framing {
        case .none, .untilClose: break
        case .length(let count):
            if !isRefused {
                body = worker.loop.takeBuffer()
                body.reserve(Int(min(count, 1 << 20)))
            } else if count > UInt64(Self.awaitedBodyBytesMax) || connection.awaitsContinue {
                requestComplete()
            }
        case .chunked:
            if isRefused { requestComplete() } else { body = worker.loop.takeBuffer() }
        }
    }

    package func requestBodyArrived(_ bytes: ByteSlice, on connection: HTTPServerConnection) {
        guard machine.isActive else { return }
        requestBytes += bytes.count
        if !isRefused { body.append(bytes) }
    }

    package func requestEnded(on connection: HTTPServerConnection) {
        if machine.isActive { requestComplete() }
    }

    package func requestCancelled(
        _ reason: HTTPServerCancellation, on connection: HTTPServerConnection
    ) {
        guard machine.isActive else { return }
        client = nil
        switch reason {
        case .clientLeft:
            // A page that was closed.
            if case .statusEvents = door { return settle("ok") }
            status = 499
            if snapshot.doors[door].onClientDisconnect == .drain, scan != nil, machine.hasUpstream,
                detach()
            {
                return
            }
            abandon("cancelled")
        case .clientStalled:
            status = 499
            abandon("stalled")
        case .refused(let refusal):
            status = refusal.status
            failureText.append(refusal.text)
            worker.refused(requestID.slice, at: door)
            abandon("error")
        case .stopped:
            status = 499
            abandon("stopped")
        }
    }

    /// Runs on without the client, whose connection lets go of this exchange.
    private func detach() -> Bool {
        guard worker.detached.count < Worker.detachedCountMax else { return false }
        worker.detached[ObjectIdentifier(self)] = self
        // What was held back for the client's sake has nobody to wait for.
        call.resume()
        player?.resume()
        return true
    }

    func stop() { abandon("stopped") }

    private func abandon(_ outcome: StaticString) {
        if rerouting == nil {
            attempts = call.attempts
        } else if call.isActive {
            attempts = attemptsBefore + call.attempts
        }
        stopUpstream()
        settle(outcome)
    }

    package func outputHasRoom(on connection: HTTPServerConnection) {
        call.resume()
        player?.resume()
    }
}

extension Exchange: Deferrable {
    package func turnEnding() {
        if let rerouting, rerouting.isDue { return goOn(rerouting) }
        if awaitsRound { return startRound() }
        if !machine.isActive { worker.detached[ObjectIdentifier(self)] = nil }
    }
}
