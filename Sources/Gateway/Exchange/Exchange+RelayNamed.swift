// Exchange+RelayNamed.swift — the relay lane of the dialects whose events have names: Anthropic's
// Messages and OpenAI's responses; and of what never streams: counts of tokens, vectors.

import GatewayCodec
import GatewayDoors
import GatewayModel
import GatewayProviders
import Reactor
import ReactorCore

extension Exchange {
    // MARK: Streams

    func relayMessages(_ event: EventStreamEvent) {
        guard let verdict = messagesObserver?.observe(event, worker.arena) else { return }
        switch verdict {
        case .ping: return
        case .failed(let failure):
            stopUpstream()
            fail(failure)
        case .event: writeChecked(event)
        case .last:
            writeChecked(event)
            endStream()
        }
    }

    func relayResponses(_ event: EventStreamEvent) {
        guard let verdict = responsesObserver?.observe(event) else { return }
        switch verdict {
        case .noise: return
        case .failed(let failure), .malformed(let failure):
            stopUpstream()
            fail(failure)
        case .event: writeChecked(event)
        case .last:
            writeChecked(event)
            endStream()
        }
    }

    /// Passes one event on, with what is set right in the calls that it may tell of.
    private func writeChecked(_ event: EventStreamEvent) {
        if checksCalls, repairNamed(event) { return }
        writeNamed(event)
    }

    /// Passes one event on, its name and its data as they are.
    func writeNamed(_ event: EventStreamEvent) {
        prepareEvent()
        if let canonical = event.canonical {
            client?.writeBody(canonical)
        } else {
            client?.withBody {
                EventStreamWriter.event(name: event.name, data: event.data, to: &$0)
            }
        }
    }

    // MARK: Whole answers

    /// A whole answer has come at a door other than chat's.
    func otherAnswerEnded() {
        switch door {
        case .answer(.responses):
            let observer = ResponsesResponseObserver(observing: answer.slice)
            (unaryUsage, unaryFinishReason) = (observer.usage, observer.finishReason)
            wholeAnswer(observer.failure, at: .responses)
        case .answer(.messages):
            let observer = MessagesResponseObserver(observing: answer.slice, worker.arena)
            (unaryUsage, unaryFinishReason) = (observer.usage, observer.finishReason)
            wholeAnswer(observer.failure, at: .messages)
        case .embeddings:
            let observer = EmbeddingResponseObserver(observing: answer.slice)
            unaryUsage = observer.usage
            noteNames(id: nil, model: observer.model)
            wholeAnswer(observer.failure, at: nil)
        default:
            do throws(JSONFailure) {
                try JSONScanner.validate(answer.slice)
                wholeAnswer(nil, at: nil)
            } catch {
                fail(
                    Failure(
                        .upstreamMalformed, "The upstream's answer is not valid JSON: \(error)."))
            }
        }
    }

    private func wholeAnswer(_ failure: Failure?, at answerDoor: AnswerDoor?) {
        if let failure { return fail(failure) }
        guard !isStreamed || door == .countTokens, !head.isEventStream else {
            return fail(
                Failure(
                    .upstreamMalformed, "The upstream answered in another form than it was asked."))
        }
        if let answerDoor { repairAnswer(at: answerDoor, unaryFinishReason) }
        answerUnary()
    }

    /// Answers with an estimate of a request's tokens.
    func answerCount(_ tokens: Int) {
        // Nobody was asked.
        if breakerPass != nil { tellBreaker(.undecided) }
        giveBack(&body)
        isEstimate = true
        answer = worker.loop.takeBuffer()
        MessagesResponseEncoder.encode(countOfTokens: tokens, to: &answer)
        answerUnary()
    }
}
