// AWSModelStream.swift — the events of a model's stream out of AWS's frames: each `chunk` carries one
// event as base64 in JSON, exceptions are failures.
// Pure. Salesforce's LLM gateway streams Anthropic's models so. Imported by Exchange.

import GatewayCodec
import GatewayModel
import ReactorCore

package struct AWSModelStream: ~Copyable {
    package enum Step {
        /// Its data lives until the next call.
        case event(EventStreamEvent)
        case failed(Failure)
        case needsInput
    }

    private var parser = AWSEventStreamParser()
    private var event = ByteBuffer()
    private let arena = JSONArena(bytesMax: 64 << 10)

    package init() {}

    /// The next event in what was held and `input`, which loses what was used.
    package mutating func next(_ input: inout ByteSlice) -> Step {
        do throws(AWSEventStreamFailure) {
            while let message = try parser.next(&input) {
                if let step = take(message) { return step }
            }
            return .needsInput
        } catch {
            return .failed(
                Failure(.upstreamMalformed, "The upstream's event stream is broken: \(error)."))
        }
    }

    /// - Returns: nil for a message that says nothing.
    private mutating func take(_ message: AWSEventStreamMessage) -> Step? {
        guard message.kind == "event" else { return .failed(Self.failure(message)) }
        guard message.name == "chunk" else { return nil }
        do throws(JSONFailure) {
            let tree = try arena.read(message.payload)
            guard let text = tree.root["bytes"]?.string else { return nil }
            event.removeAll()
            guard Base64.standard.decode(text, into: &event) else {
                return .failed(
                    Failure(.upstreamMalformed, "The upstream sent a chunk that is no base64."))
            }
        } catch {
            return .failed(
                Failure(
                    .upstreamMalformed,
                    "The upstream sent a chunk that is not valid JSON: \(error)."
                ))
        }
        return .event(EventStreamEvent(name: .empty, data: event.slice, canonical: nil))
    }

    private static func failure(_ message: AWSEventStreamMessage) -> Failure {
        let words = words(of: message) ?? "The upstream reported an error within the stream."
        if message.name == "throttlingException" { return Failure(.upstreamRateLimit, words) }
        if message.name == "serviceUnavailableException" {
            return Failure(.upstreamOverload, words)
        }
        var failure = Failure(.upstreamFault, words)
        failure.reportedType = message.name.isEmpty ? nil : message.name.string
        return failure
    }

    private static func words(of message: AWSEventStreamMessage) -> String? {
        guard let tree = try? JSONArena().read(message.payload),
            let text = tree.root["message"]?.string
        else { return nil }
        return text.prefix(min(text.count, 2048)).string
    }
}
