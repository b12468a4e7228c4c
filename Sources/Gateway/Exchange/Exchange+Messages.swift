// Exchange+Messages.swift — answers of Anthropic's dialect on the relay lane, and counts of tokens.

import GatewayCodec
import GatewayDoors
import GatewayModel
import GatewayProviders
import Reactor
import ReactorCore

extension Exchange {
    /// Passes one event of a stream on, its name and its data as they are.
    func relayMessages(_ event: EventStreamEvent) {
        guard let verdict = messagesObserver?.observe(event, worker.arena) else { return }
        switch verdict {
        case .ping: return
        case .failed(let failure):
            stopUpstream()
            return fail(failure)
        case .event, .last: break
        }
        prepareEvent()
        if let canonical = event.canonical {
            client?.writeBody(canonical)
        } else {
            client?.withBody {
                EventStreamWriter.event(name: event.name, data: event.data, to: &$0)
            }
        }
        if verdict == .last { endStream() }
    }

    /// A whole answer of this dialect has come.
    func messageEnded() {
        guard door != .countTokens else { return countEnded() }
        let observer = MessagesResponseObserver(observing: answer.slice, worker.arena)
        messageObserver = observer
        if let failure = observer.failure { return fail(failure) }
        guard scan?.isStreaming != true, !head.isEventStream else {
            return fail(
                Failure(
                    .upstreamMalformed, "The upstream answered in another form than it was asked."))
        }
        answerUnary()
    }

    private func countEnded() {
        do throws(JSONFailure) { try JSONScanner.validate(answer.slice) } catch {
            return fail(
                Failure(.upstreamMalformed, "The upstream's answer is not valid JSON: \(error)."))
        }
        answerUnary()
    }

    /// Answers with an estimate of a request's tokens.
    func answerCount(_ tokens: Int) {
        giveBack(&body)
        answer = worker.loop.takeBuffer()
        MessagesResponseEncoder.encode(countOfTokens: tokens, to: &answer)
        answerUnary()
    }
}
