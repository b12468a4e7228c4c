// ResponsesEncodeCheck.swift — what must hold of the encoders of responses for any legal answer,
// cut by a failure anywhere. Called by the fuzz target with made-up bytes and by the tests.

import GatewayCodec
import GatewayDoors
import GatewayModel
import ReactorCore

/// Checks of the encoders; each answers what is wrong, or nil.
package enum ResponsesEncodeCheck {
    /// The stream is legal, ends with the object that the whole answer would have been, and is
    /// taken again as a part of the next request.
    package static func run(_ bytes: [UInt8]) -> String? {
        let request: StaticString =
            (bytes.first ?? 0) & 1 == 0
            ? #"{"model":"m","input":"x"}"#
            : #"{"model":"m","input":"x","include":["reasoning.encrypted_content"]}"#
        guard let tree = try? JSONArena().read(ByteSlice(request)) else { return "no request" }
        let echo = ResponsesEcho(tree.root)
        let context = AnswerContext(
            requestID: ByteSlice("req_1"), requestedModel: ByteSlice("m"), createdSeconds: 7,
            wantsUsage: true)
        var encoder = ResponsesStreamEncoder(context, echo, provider: ByteSlice("p"))
        var isWhole = true
        var output = ByteBuffer()
        var told = ModelResponse()
        AnswerScript.play(Array(bytes.dropFirst())) { event in
            told.add(event)
            encoder.encode(event, to: &output)
            isWhole = isWhole && AnswerScript.isWholeEvents(output.slice)
            if case .failed(let failure) = event { encoder.encodeFailure(failure, to: &output) }
        }
        guard isWhole else { return "half an event" }
        guard encoder.isOver else { return "no end" }
        if let complaint = ResponsesOrder.complaint(output.slice) { return complaint }
        if told.failure != nil { return nil }
        var whole = ByteBuffer()
        var items: [UInt8] = []
        ResponsesResponseEncoder.encode(
            told, context, echo, provider: ByteSlice("p"), to: &whole,
            keep: { items = Array($0.raw) })
        guard items == Array(encoder.outputItems.raw) else { return "other items at once" }
        guard endsWith(whole.slice, output.slice) else { return "another answer at once" }
        return refusal(of: items)
    }

    /// Why the answer's items are not taken as a part of the next request; nil if they are.
    private static func refusal(of items: [UInt8]) -> String? {
        var request = ByteBuffer()
        request.append(#"{"model":"m","input":[{"role":"user","content":"x"}"# as StaticString)
        if !items.isEmpty { request.append(ASCII.comma) }
        items.withUnsafeBytes { request.append(ByteSlice($0)) }
        request.append("]}" as StaticString)
        guard let tree = try? JSONArena().read(request.slice) else { return "items are no JSON" }
        do throws(Failure) {
            _ = try ResponsesRequestDecoder.decode(tree.root, provider: ByteSlice("p"))
        } catch {
            // A call without a name is the provider's doing.
            return error.parameter?.hasSuffix(".name") == true ? nil : "not taken again: \(error)"
        }
        return nil
    }

    /// Whether the stream's last event is made of the whole answer.
    private static func endsWith(_ whole: ByteSlice, _ stream: ByteSlice) -> Bool {
        let tail = whole.count + 3
        guard stream.count > tail else { return false }
        return stream.dropFirst(stream.count - tail).prefix(whole.count) == whole
    }
}
