// SimulatorScript+Bodies.swift — the bytes of simulated answers, unary and streamed.
// The streams are framed as server-sent events; HTTP framing is the shell's.

import GatewayCodec
import ReactorCore

extension SimulatorScript {
    /// Appends the payload of the `.body` step that `next()` returned last.
    package mutating func write(into out: inout ByteBuffer) {
        switch payload {
        case .none: preconditionFailure("only a body step has a payload")
        case .body(let bytes): out.append(rendered.slice.prefix(bytes))
        case .item(let index): writeItem(index, into: &out)
        case .role(let choice): writeChunk(choice, finish: nil, into: &out) { self.writeRole(&$0) }
        case .unit(let unit, let choice):
            writeChunk(choice, finish: nil, into: &out) { self.write(unit, choice, &$0) }
        case .finish(let choice):
            writeChunk(choice, finish: finishReason, into: &out) { self.writeEmptyDelta(&$0) }
        case .usage: writeUsageChunk(into: &out)
        case .brokenChunk:
            out.append(rendered.slice)
            out.append("{\"index\":0,\"delta\":{\"content\n\n" as StaticString)
        case .error:
            out.append("data: " as StaticString)
            SimulatorRefusal(.errorMid)?.write(into: &out)
            out.append("\n\n" as StaticString)
        case .done: out.append("data: [DONE]\n\n" as StaticString)
        }
        payload = .none
    }

    /// What all chunks begin with, made once: `data: {...,"choices":[`.
    mutating func renderChunkStart() {
        var start = ByteBuffer(capacity: 256 + request.modelName.count)
        start.append("data: " as StaticString)
        start.writeJSON { json in
            json.beginObject()
            self.writeHeader(streamed: true, &json)
            json.beginArray("choices")
        }
        rendered = start
    }

    mutating func renderBody() {
        var body = ByteBuffer(capacity: 1 << 10)
        if request.endpoint == .embeddings {
            for index in 0..<request.inputs { writeItem(index, into: &body) }
        } else {
            body.writeJSON { self.writeCompletion(&$0) }
        }
        if fault == .badJSON { body.truncate(to: body.count / 2) }
        rendered = body
    }

    // MARK: Parts of both forms

    private var isChat: Bool { request.endpoint == .chatCompletions }

    private var finishReason: StaticString {
        if isCutShort { return "length" }
        if case .calls = request.content { return "tool_calls" }
        return "stop"
    }

    private func writeHeader(streamed: Bool, _ json: inout JSONWriter) {
        json.key("id")
        json.string { out in
            out.append(isChat ? "chatcmpl-" : "cmpl-" as StaticString)
            SimulatorDraw.appendIdentifier(24, ordinalSeed, .identifier, into: &out)
        }
        let object: StaticString =
            if !isChat {
                "text_completion"
            } else if streamed {
                "chat.completion.chunk"
            } else {
                "chat.completion"
            }
        json.field("object", object)
        json.field("created", created)
        json.field("model", request.modelName)
        json.field("system_fingerprint", "fp_simulator" as StaticString)
        if isChat { json.field("service_tier", "default" as StaticString) }
    }

    private func writeUsage(_ json: inout JSONWriter) {
        let completion = usedTokens
        json.beginObject("usage")
        json.field("prompt_tokens", request.promptTokens)
        json.field("completion_tokens", completion)
        json.field("total_tokens", request.promptTokens + completion)
        json.beginObject("prompt_tokens_details")
        json.field("cached_tokens", 0)
        json.field("audio_tokens", 0)
        json.endObject()
        json.beginObject("completion_tokens_details")
        json.field("reasoning_tokens", 0)
        json.field("audio_tokens", 0)
        json.field("accepted_prediction_tokens", 0)
        json.field("rejected_prediction_tokens", 0)
        json.endObject()
        json.endObject()
    }

    /// Tokens of all choices; a filler is no word, so its bytes are counted as a prompt's are.
    private var usedTokens: Int {
        let perUnit =
            units.isFiller ? SimulatorRequest.tokens(inBytes: SimulatorLorem.fillerBytes) : 1
        return unitCount * perUnit * request.choices
    }

    private func writeCallID(_ call: Int, _ choice: Int, _ json: inout JSONWriter) {
        json.key("id")
        json.string { out in
            out.append("call_" as StaticString)
            let index = UInt64(choice * 2 + call)
            SimulatorDraw.appendIdentifier(24, ordinalSeed, .call, index, into: &out)
        }
    }

    /// The bytes of a token of text, escaped.
    private func append(_ unit: SimulatorUnits.Unit, _ choice: Int, into out: inout ByteBuffer) {
        let seed = SimulatorDraw.mix(request.seed &+ UInt64(choice))
        switch unit {
        case .lorem(let index): SimulatorLorem.append(word: index, seed: seed, into: &out)
        case .filler(let index): SimulatorLorem.append(filler: index, seed: seed, into: &out)
        case .text(let range), .toolArguments(_, let range):
            out.append(jsonEscaping: request.kept.slice[range])
        case .toolName: preconditionFailure("a tool's name is no text")
        }
    }

    private func call(_ index: Int) -> SimulatorRequest.Call {
        guard case .calls(let first, let second) = request.content,
            let call = index == 0 ? first : second
        else { preconditionFailure("no call \(index) in \(request.content)") }
        return call
    }

    // MARK: Unary

    private func writeCompletion(_ json: inout JSONWriter) {
        json.beginObject()
        writeHeader(streamed: false, &json)
        json.beginArray("choices")
        for choice in 0..<request.choices {
            json.beginObject()
            json.field("index", choice)
            if isChat { writeMessage(choice, &json) } else { writeText("text", choice, &json) }
            json.null("logprobs")
            if fault == .noDone {
                json.null("finish_reason")
            } else {
                json.field("finish_reason", finishReason)
            }
            json.endObject()
        }
        json.endArray()
        writeUsage(&json)
        json.endObject()
    }

    private func writeMessage(_ choice: Int, _ json: inout JSONWriter) {
        json.beginObject("message")
        json.field("role", "assistant" as StaticString)
        if case .calls = request.content {
            json.null("content")
            writeCalls(choice, &json)
        } else {
            writeText("content", choice, &json)
        }
        json.null("refusal")
        json.beginArray("annotations")
        json.endArray()
        json.endObject()
    }

    private func writeText(_ name: StaticString, _ choice: Int, _ json: inout JSONWriter) {
        json.key(name)
        json.string { out in
            var units = units
            while let unit = units.next(in: request.kept.slice) {
                append(unit, choice, into: &out)
            }
        }
    }

    /// Arguments end where the request's token limit falls, as the real service's do.
    private func writeCalls(_ choice: Int, _ json: inout JSONWriter) {
        var units = units
        var unit = units.next(in: request.kept.slice)
        json.beginArray("tool_calls")
        while case .toolName(let index) = unit {
            json.beginObject()
            writeCallID(index, choice, &json)
            json.field("type", "function" as StaticString)
            json.beginObject("function")
            json.field("name", request.kept.slice[call(index).name])
            json.key("arguments")
            json.string { out in
                unit = units.next(in: request.kept.slice)
                while let fragment = unit, case .toolArguments = fragment {
                    append(fragment, choice, into: &out)
                    unit = units.next(in: request.kept.slice)
                }
            }
            json.endObject()
            json.endObject()
        }
        json.endArray()
    }

    // MARK: Streams

    /// One event with one choice, whose content `write` adds.
    private func writeChunk(
        _ choice: Int, finish: StaticString?, into out: inout ByteBuffer,
        _ write: (inout JSONWriter) -> Void
    ) {
        out.append(rendered.slice)
        out.writeJSON { json in
            json.beginObject()
            json.field("index", choice)
            write(&json)
            json.null("logprobs")
            if let finish {
                json.field("finish_reason", finish)
            } else {
                json.null("finish_reason")
            }
            json.endObject()
        }
        out.append(request.includeUsage ? "],\"usage\":null}\n\n" : "]}\n\n" as StaticString)
    }

    private func writeRole(_ json: inout JSONWriter) {
        json.beginObject("delta")
        json.field("role", "assistant" as StaticString)
        if case .calls = request.content {
            json.null("content")
        } else {
            json.field("content", "" as StaticString)
        }
        json.null("refusal")
        json.endObject()
    }

    private func write(_ unit: SimulatorUnits.Unit, _ choice: Int, _ json: inout JSONWriter) {
        guard isChat else {
            json.key("text")
            json.string { append(unit, choice, into: &$0) }
            return
        }
        json.beginObject("delta")
        switch unit {
        case .lorem, .filler, .text:
            json.key("content")
            json.string { append(unit, choice, into: &$0) }
        case .toolName(let index):
            json.beginArray("tool_calls")
            json.beginObject()
            json.field("index", index)
            writeCallID(index, choice, &json)
            json.field("type", "function" as StaticString)
            json.beginObject("function")
            json.field("name", request.kept.slice[call(index).name])
            json.field("arguments", "" as StaticString)
            json.endObject()
            json.endObject()
            json.endArray()
        case .toolArguments(let index, _):
            json.beginArray("tool_calls")
            json.beginObject()
            json.field("index", index)
            json.beginObject("function")
            json.key("arguments")
            json.string { append(unit, choice, into: &$0) }
            json.endObject()
            json.endObject()
            json.endArray()
        }
        json.endObject()
    }

    private func writeEmptyDelta(_ json: inout JSONWriter) {
        if isChat {
            json.beginObject("delta")
            json.endObject()
        } else {
            json.field("text", "" as StaticString)
        }
    }

    private func writeUsageChunk(into out: inout ByteBuffer) {
        out.append(rendered.slice)
        out.append("]," as StaticString)
        out.writeJSON { self.writeUsage(&$0) }
        out.append("}\n\n" as StaticString)
    }

    // MARK: Embeddings

    /// One element of the list, with what comes before the first and after the last.
    private func writeItem(_ index: Int, into out: inout ByteBuffer) {
        out.append(index == 0 ? "{\"object\":\"list\",\"data\":[" : "," as StaticString)
        let vector = SimulatorEmbedding(
            hash: request.inputHash(index), dimensions: request.dimensions)
        let base64 = request.base64
        out.writeJSON { json in
            json.beginObject()
            json.field("object", "embedding" as StaticString)
            json.field("index", index)
            if base64 { vector.writeBase64(into: &json) } else { vector.writeFloats(into: &json) }
            json.endObject()
        }
        guard index == request.inputs - 1 else { return }
        out.append("]," as StaticString)
        out.writeJSON { json in
            json.key("model")
            json.value(request.modelName)
            json.beginObject("usage")
            json.field("prompt_tokens", request.promptTokens)
            json.field("total_tokens", request.promptTokens)
            json.endObject()
        }
        out.append(ASCII.closeBrace)
    }
}
