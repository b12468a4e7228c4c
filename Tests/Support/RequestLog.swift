// RequestLog.swift — a ModelRequest as lines, for golden files of doors.

import GatewayCodec
import GatewayModel
import ReactorCore

/// Tells a request.
package enum RequestLog {
    package static func text(_ request: ModelRequest) -> String {
        var lines = ["model \(quoted(request.model))"]
        for message in request.messages {
            var line = "\(message.role)"
            if let name = message.name { line += " name=\(quoted(name))" }
            if let result = message.result {
                line += " of \(quoted(result.callID))" + (result.isError ? " error" : "")
            }
            lines.append(line)
            for part in request.parts(of: message) {
                var line = "  " + words(part.content)
                if let mark = part.cacheControl { line += " cache=\(json(mark))" }
                lines.append(line)
            }
        }
        for tool in request.tools { lines.append(words(tool)) }
        if let choice = request.toolChoice {
            switch choice.mode {
            case .named(let name): lines.append("choice \(quoted(name))")
            default: lines.append("choice \(choice.mode)")
            }
            if let allowed = choice.allowed { lines.append("allowed \(allowed.map(quoted))") }
        }
        lines += options(request)
        for extra in request.extras.members {
            lines.append(
                "extra \(request.extras.dialect) \(extra.name.string)=\(json(extra.value))")
        }
        return lines.joined(separator: "\n")
    }

    private static func options(_ request: ModelRequest) -> [String] {
        let sampling = request.sampling
        var lines: [String] = []
        func add(_ name: String, _ value: (some Any)?) {
            if let value { lines.append("\(name) \(value)") }
        }
        add("parallel", request.allowsParallelCalls)
        add("temperature", sampling.temperature)
        add("topP", sampling.topP)
        add("topK", sampling.topK)
        add("seed", sampling.seed)
        add("presencePenalty", sampling.presencePenalty)
        add("frequencyPenalty", sampling.frequencyPenalty)
        if !sampling.stop.isEmpty { lines.append("stop \(sampling.stop.map(quoted))") }
        add("max", sampling.outputTokensMax)
        if sampling.wantsLogprobs { lines.append("logprobs") }
        add("topLogprobs", sampling.topLogprobs)
        add("logitBias", sampling.logitBias.map(json))
        switch request.output {
        case .text: break
        case .json: lines.append("output json")
        case .schema(let schema):
            lines.append("output \(quoted(schema.name)) \(schema.schema.map(json) ?? "-")")
        }
        if let wish = request.reasoning {
            var line = "reasoning"
            if let effort = wish.effort { line += " effort=\(effort)" }
            if let budget = wish.budgetTokens { line += " budget=\(budget)" }
            if wish.isAdaptive { line += " adaptive" }
            if let shown = wish.isShown { line += " shown=\(shown)" }
            lines.append(line)
        }
        if request.choiceCount != 1 { lines.append("choices \(request.choiceCount)") }
        if request.streams { lines.append("streams") }
        add("user", request.user.map(quoted))
        return lines
    }

    private static func words(_ content: ContentPart.Content) -> String {
        switch content {
        case .text(let text): return "text \(quoted(text))"
        case .refusal(let text): return "refusal \(quoted(text))"
        case .image(let media): return "image \(words(media))"
        case .audio(let media): return "audio \(words(media))"
        case .file(let media): return "file \(words(media))"
        case .reasoning(let reasoning):
            var line = "reasoning \(quoted(reasoning.text))"
            if let signature = reasoning.signature { line += " signature=\(quoted(signature))" }
            if let redacted = reasoning.redacted { line += " redacted=\(quoted(redacted))" }
            return line
        case .toolCall(let call):
            let arguments: String
            switch call.arguments {
            case .text(let text): arguments = quoted(text)
            case .value(let value): arguments = json(value)
            }
            return "call \(quoted(call.id)) \(quoted(call.name)) \(arguments)"
                + (call.isCustom ? " custom" : "")
        case .foreign(let dialect, let value): return "foreign \(dialect) \(json(value))"
        }
    }

    private static func words(_ media: Media) -> String {
        let source: String
        switch media.source {
        case .data(let data): source = "data=\(quoted(data))"
        case .url(let url): source = "url=\(quoted(url))"
        case .fileID(let id): source = "id=\(quoted(id))"
        case .text(let text): source = "text=\(quoted(text))"
        }
        return "\(source) type=\(quoted(media.mediaType))"
            + (media.name.map { " name=\(quoted($0))" } ?? "")
            + (media.detail.map { " detail=\(quoted($0))" } ?? "")
    }

    private static func words(_ tool: ToolDefinition) -> String {
        var line = "tool \(quoted(tool.name))"
        if let description = tool.description { line += " \(quoted(description))" }
        switch tool.kind {
        case .function(let schema): line += " function \(schema.map(json) ?? "-")"
        case .custom(let format): line += " custom \(format.map(json) ?? "-")"
        case .foreign(let dialect, let value): line += " foreign \(dialect) \(json(value))"
        }
        if let strict = tool.isStrict { line += " strict=\(strict)" }
        if let mark = tool.cacheControl { line += " cache=\(json(mark))" }
        return line
    }

    private static func quoted(_ text: ByteSlice) -> String { text.string.debugDescription }

    private static func json(_ value: JSONValue) -> String {
        var buffer = ByteBuffer()
        buffer.writeJSON { $0.value(value) }
        return buffer.string
    }
}
