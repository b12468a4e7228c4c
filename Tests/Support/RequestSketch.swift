// RequestSketch.swift — a ModelRequest from a few lines of JSON, for the tests of providers, which
// may not know a door. The words are those of the model in the middle; a word that is not known is
// a failure of the test.

import GatewayCodec
import GatewayModel
import ReactorCore

/// Reads sketches.
package enum RequestSketch {
    package struct Misspelled: Error, CustomStringConvertible {
        package let description: String
    }

    /// The request that `root` sketches; it borrows from the tree.
    package static func read(_ root: JSONValue) throws -> ModelRequest {
        var request = ModelRequest()
        for (name, value) in root.members {
            switch name.string {
            case "model": request.model = value.string ?? .empty
            case "messages":
                for message in value.elements { try append(message, to: &request) }
            case "tools": request.tools = try value.elements.map(tool)
            case "choice": request.toolChoice = try choice(value, root["allowed"])
            case "allowed": continue
            case "parallel": request.allowsParallelCalls = value.bool
            case "temperature": request.sampling.temperature = value.double
            case "topP": request.sampling.topP = value.double
            case "topK": request.sampling.topK = value.int
            case "seed": request.sampling.seed = value.int
            case "presencePenalty": request.sampling.presencePenalty = value.double
            case "frequencyPenalty": request.sampling.frequencyPenalty = value.double
            case "stop": request.sampling.stop = value.elements.compactMap(\.string)
            case "max": request.sampling.outputTokensMax = value.int
            case "logprobs": request.sampling.wantsLogprobs = value.bool ?? false
            case "topLogprobs": request.sampling.topLogprobs = value.int
            case "logitBias": request.sampling.logitBias = value
            case "json": request.output = .json
            case "schema":
                request.output = .schema(OutputSchema(name: ByteSlice("out"), schema: value))
            case "reasoning": request.reasoning = try reasoning(value)
            case "choices": request.choiceCount = value.int ?? 1
            case "streams": request.streams = value.bool ?? false
            case "wantsUsage": request.wantsUsage = value.bool ?? false
            case "user": request.user = value.string
            case "extras":
                for (name, value) in value.members {
                    request.extras.members.append(.init(name: name, value: value))
                }
            case "extrasOf": request.extras.dialect = try dialect(value)
            default: throw Misspelled(description: name.string)
            }
        }
        return request
    }

    private static func dialect(_ value: JSONValue) throws -> Dialect {
        let word = value.string?.string ?? ""
        guard let dialect = Dialect.allCases.first(where: { "\($0)" == word }) else {
            throw Misspelled(description: word)
        }
        return dialect
    }

    private static func append(_ message: JSONValue, to request: inout ModelRequest) throws {
        let roles: [String: Message.Role] = [
            "system": .system, "developer": .developer, "user": .user, "assistant": .assistant,
            "tool": .tool,
        ]
        guard let word = message["role"]?.string?.string, let role = roles[word] else {
            throw Misspelled(description: "role")
        }
        var parts: [ContentPart] = []
        if let text = message["text"]?.string { parts.append(ContentPart(.text(text))) }
        for part in message["parts"]?.elements.map({ $0 }) ?? [] {
            parts.append(ContentPart(try content(part), cacheControl: part["cache"]))
        }
        var result: ToolResult?
        if role == .tool {
            result = ToolResult(
                callID: message["call"]?.string ?? .empty, name: message["tool"]?.string,
                isError: message["error"]?.bool ?? false)
        }
        request.append(role, parts, name: message["name"]?.string, result: result)
    }

    private static func content(_ part: JSONValue) throws -> ContentPart.Content {
        if let text = part["text"]?.string { return .text(text) }
        if let text = part["refusal"]?.string { return .refusal(text) }
        if let media = part["image"] { return .image(try self.media(media)) }
        if let media = part["audio"] { return .audio(try self.media(media)) }
        if let media = part["file"] { return .file(try self.media(media)) }
        if let value = part["foreign"] { return .foreign(try dialect(part["of"] ?? value), value) }
        if let thought = part["reasoning"] {
            return .reasoning(
                Reasoning(
                    text: thought["text"]?.string ?? .empty,
                    signature: thought["signature"]?.string,
                    redacted: thought["redacted"]?.string))
        }
        if let call = part["call"] {
            let arguments: ToolCall.Arguments =
                if let text = call["arguments"]?.string {
                    .text(text)
                } else if let value = call["arguments"] {
                    .value(value)
                } else {
                    .text(.empty)
                }
            return .toolCall(
                ToolCall(
                    id: call["id"]?.string ?? .empty, name: call["name"]?.string ?? .empty,
                    arguments: arguments, isCustom: call["custom"]?.bool ?? false,
                    signature: call["signature"]?.string))
        }
        throw Misspelled(description: "part")
    }

    private static func media(_ value: JSONValue) throws -> Media {
        let source: Media.Source
        if let data = value["data"]?.string {
            source = .data(data)
        } else if let url = value["url"]?.string {
            source = .url(url)
        } else if let id = value["fileID"]?.string {
            source = .fileID(id)
        } else if let text = value["text"]?.string {
            source = .text(text)
        } else {
            throw Misspelled(description: "media")
        }
        return Media(
            source, mediaType: value["type"]?.string ?? .empty, name: value["name"]?.string,
            detail: value["detail"]?.string)
    }

    private static func tool(_ value: JSONValue) throws -> ToolDefinition {
        var kind = ToolDefinition.Kind.function(parameters: value["parameters"])
        if let of = value["of"] { kind = .foreign(try dialect(of), value["foreign"] ?? value) }
        if value["custom"]?.bool == true { kind = .custom(format: nil) }
        return ToolDefinition(
            name: value["name"]?.string ?? .empty, description: value["description"]?.string,
            kind: kind, isStrict: value["strict"]?.bool, cacheControl: value["cache"])
    }

    private static func choice(_ value: JSONValue, _ allowed: JSONValue?) throws -> ToolChoice {
        let allowed = allowed.map { $0.elements.compactMap(\.string) }
        if let name = value["named"]?.string { return ToolChoice(.named(name), allowed: allowed) }
        switch value.string?.string {
        case "auto": return ToolChoice(.auto, allowed: allowed)
        case "none": return ToolChoice(.none, allowed: allowed)
        case "required": return ToolChoice(.required, allowed: allowed)
        default: throw Misspelled(description: "choice")
        }
    }

    private static func reasoning(_ value: JSONValue) throws -> ReasoningRequest {
        var wish = ReasoningRequest(
            budgetTokens: value["budget"]?.int, isAdaptive: value["adaptive"]?.bool ?? false,
            isShown: value["shown"]?.bool)
        if let word = value["effort"]?.string {
            guard let effort = ReasoningRequest.Effort(name: word) else {
                throw Misspelled(description: word.string)
            }
            wish.effort = effort
        }
        return wish
    }
}
