// MessagesRequestDecoder.swift — a request of Anthropic's Messages, as the model in the middle says it.
// Pure; the request borrows from the tree. Imported by Exchange. What the model has no word for goes
// along as it was written: the same dialect on the other side gets it back.

import GatewayCodec
import GatewayModel
import GatewayWire
import ReactorCore

package struct MessagesRequestDecoder {
    private var request = ModelRequest()

    /// The request that a body asks for.
    /// - Parameter isCount: whether only its tokens are to be counted, for which fewer members are
    ///   demanded.
    package static func decode(
        _ root: JSONValue, isCount: Bool = false
    ) throws(Failure) -> ModelRequest {
        guard root.kind == .object else {
            throw Failure(.malformedRequest, "The request body must be a JSON object.")
        }
        var decoder = MessagesRequestDecoder()
        decoder.request.extras.dialect = .messages
        // A stream of this dialect always ends with its usage.
        decoder.request.wantsUsage = true
        // Instructions come before the conversation, wherever they are written.
        if let system = root[MessagesWire.system] { try decoder.readSystem(system) }
        for (name, value) in root.members { try decoder.read(name, value) }
        try require(root, MessagesWire.model)
        try require(root, MessagesWire.messages)
        if !isCount { try require(root, MessagesWire.maxTokens) }
        return decoder.request
    }

    private static func require(_ root: JSONValue, _ name: StaticString) throws(Failure) {
        if root[name]?.isNull ?? true {
            throw Failure(.missingParameter, "\(name): Field required")
        }
    }

    private mutating func read(_ name: ByteSlice, _ value: JSONValue) throws(Failure) {
        if value.isNull { return }
        if name == MessagesWire.model {
            request.model = try MessagesField.string(value, "\(MessagesWire.model)")
        } else if name == MessagesWire.messages {
            try readMessages(value)
        } else if name == MessagesWire.system {
            return
        } else if name == MessagesWire.maxTokens {
            request.sampling.outputTokensMax = try MessagesField.int(
                value, "\(MessagesWire.maxTokens)")
        } else if name == MessagesWire.stream {
            request.streams = try MessagesField.bool(value, "\(MessagesWire.stream)")
        } else if name == MessagesWire.temperature {
            request.sampling.temperature = try MessagesField.number(
                value, "\(MessagesWire.temperature)")
        } else if name == MessagesWire.topP {
            request.sampling.topP = try MessagesField.number(value, "\(MessagesWire.topP)")
        } else if name == MessagesWire.topK {
            request.sampling.topK = try MessagesField.int(value, "\(MessagesWire.topK)")
        } else if name == MessagesWire.stopSequences {
            try readStops(value)
        } else if name == MessagesWire.metadata {
            request.user = value[MessagesWire.userID]?.string
        } else if name == MessagesWire.tools {
            try readTools(value)
        } else if name == MessagesWire.toolChoice {
            try readChoice(value)
        } else if name == MessagesWire.thinking {
            try readThinking(value)
        } else if name == MessagesWire.outputConfig {
            try readOutput(value)
        } else {
            request.extras.members.append(.init(name: name, value: value))
        }
    }

    // MARK: Messages

    private mutating func readSystem(_ value: JSONValue) throws(Failure) {
        if value.isNull { return }
        var parts = try MessagesContent.parts(of: value, "\(MessagesWire.system)", .system)
        if let first = parts.first, case .text(let text) = first.content,
            text.hasPrefix(MessagesWire.attribution)
        {
            // It differs from one request to the next, means nothing to others and would keep
            // their caches from hitting.
            let rest = text.firstIndex(of: ASCII.lf).map { text.dropFirst($0 + 1) } ?? .empty
            if rest.isEmpty { parts.removeFirst() } else { parts[0].content = .text(rest) }
        }
        if !parts.isEmpty { request.append(.system, parts) }
    }

    private mutating func readMessages(_ value: JSONValue) throws(Failure) {
        let name = "\(MessagesWire.messages)"
        guard value.kind == .array else { throw MessagesField.wrong(name, "list") }
        guard value.count > 0 else {
            throw Failure(.invalidParameter, "\(name): at least one message is required")
        }
        var index = 0
        for message in value.elements {
            try readMessage(message, "\(name).\(index)")
            index += 1
        }
    }

    private mutating func readMessage(_ value: JSONValue, _ place: String) throws(Failure) {
        typealias Role = MessagesWire.Role
        guard value.kind == .object else { throw MessagesField.wrong(place, "dictionary") }
        guard let word = value[MessagesWire.role] else {
            throw Failure(.missingParameter, "\(place).role: Field required")
        }
        guard let content = value[MessagesWire.content] else {
            throw Failure(.missingParameter, "\(place).content: Field required")
        }
        let role = try MessagesField.string(word, "\(place).role")
        let inside = "\(place).content"
        if role == Role.assistant {
            request.append(
                .assistant, try MessagesContent.parts(of: content, inside, .assistant))
        } else if role == Role.system {
            request.append(.system, try MessagesContent.parts(of: content, inside, .system))
        } else if role == Role.user {
            try readUser(content, inside)
        } else {
            throw Failure(
                .invalidParameter,
                "\(place).role: Input should be 'user', 'assistant' or 'system'")
        }
    }

    /// Results of tools become messages of their own, before what the user says with them.
    private mutating func readUser(_ content: JSONValue, _ place: String) throws(Failure) {
        var index = 0
        var hasResults = false
        for block in content.elements {
            if MessagesContent.isResult(block) {
                hasResults = true
                try readResult(block, "\(place).\(index)")
            }
            index += 1
        }
        let parts = try MessagesContent.parts(of: content, place, .user)
        if !parts.isEmpty || !hasResults { request.append(.user, parts) }
    }

    private mutating func readResult(_ block: JSONValue, _ place: String) throws(Failure) {
        guard let id = block[MessagesWire.toolUseID]?.string else {
            throw Failure(.missingParameter, "\(place).tool_use_id: Field required")
        }
        var parts: [ContentPart] = []
        if let content = block[MessagesWire.content], !content.isNull {
            parts = try MessagesContent.parts(of: content, "\(place).content", .tool)
        }
        if let mark = block[MessagesWire.cacheControl], !mark.isNull, !parts.isEmpty,
            parts[parts.count - 1].cacheControl == nil
        {
            parts[parts.count - 1].cacheControl = mark
        }
        request.append(
            .tool, parts,
            result: ToolResult(
                callID: id, isError: block[MessagesWire.isError]?.bool ?? false))
    }

    // MARK: Tools

    /// Reads the tools and nothing else; with the choice among them if that is asked for.
    static func decodeTools(_ root: JSONValue, withChoice: Bool) throws(Failure) -> ModelRequest {
        var decoder = MessagesRequestDecoder()
        if let tools = root[MessagesWire.tools], !tools.isNull { try decoder.readTools(tools) }
        if withChoice, let choice = root[MessagesWire.toolChoice], !choice.isNull {
            try decoder.readChoice(choice)
        }
        return decoder.request
    }

    private mutating func readTools(_ value: JSONValue) throws(Failure) {
        let name = "\(MessagesWire.tools)"
        guard value.kind == .array else { throw MessagesField.wrong(name, "list") }
        for (index, tool) in value.elements.enumerated() {
            guard tool.kind == .object else {
                throw MessagesField.wrong("\(name).\(index)", "dictionary")
            }
            var kind = ToolDefinition.Kind.function(parameters: tool[MessagesWire.inputSchema])
            var type: ByteSlice?
            if let word = tool[MessagesWire.type]?.string, !(word == MessagesWire.customTool) {
                kind = .foreign(.messages, tool)
                type = word
            }
            // Some that Anthropic runs itself have no name.
            guard let toolName = tool[MessagesWire.name]?.string ?? type else {
                throw Failure(.missingParameter, "\(name).\(index).name: Field required")
            }
            request.tools.append(
                ToolDefinition(
                    name: toolName, description: tool[MessagesWire.description]?.string,
                    kind: kind, isStrict: tool[MessagesWire.strict]?.bool,
                    cacheControl: tool[MessagesWire.cacheControl].flatMap { $0.isNull ? nil : $0 }))
        }
    }

    private mutating func readChoice(_ value: JSONValue) throws(Failure) {
        typealias Word = MessagesWire.Choice
        let name = "\(MessagesWire.toolChoice)"
        guard value.kind == .object else { throw MessagesField.wrong(name, "dictionary") }
        let type = value[MessagesWire.type]?.string ?? .empty
        if type == Word.auto {
            request.toolChoice = ToolChoice(.auto)
        } else if type == Word.any {
            request.toolChoice = ToolChoice(.required)
        } else if type == Word.none {
            request.toolChoice = ToolChoice(.none)
        } else if type == Word.tool {
            guard let tool = value[MessagesWire.name]?.string else {
                throw Failure(.missingParameter, "\(name).name: Field required")
            }
            request.toolChoice = ToolChoice(.named(tool))
        } else {
            throw Failure(
                .invalidParameter, "\(name).type: Input should be 'auto', 'any', 'tool' or 'none'")
        }
        if value[MessagesWire.disableParallelToolUse]?.bool == true {
            request.allowsParallelCalls = false
        }
    }

    // MARK: Thinking and output

    private mutating func readStops(_ value: JSONValue) throws(Failure) {
        let name = "\(MessagesWire.stopSequences)"
        guard value.kind == .array else { throw MessagesField.wrong(name, "list") }
        for (index, stop) in value.elements.enumerated() {
            request.sampling.stop.append(try MessagesField.string(stop, "\(name).\(index)"))
        }
    }

    private mutating func readThinking(_ value: JSONValue) throws(Failure) {
        typealias Word = MessagesWire.Thinking
        let name = "\(MessagesWire.thinking)"
        let type = value[MessagesWire.type]?.string ?? .empty
        var wish = request.reasoning ?? ReasoningRequest()
        if type == Word.enabled {
            guard let budget = value[MessagesWire.budgetTokens] else {
                throw Failure(.missingParameter, "\(name).enabled.budget_tokens: Field required")
            }
            wish.budgetTokens = try MessagesField.int(budget, "\(name).enabled.budget_tokens")
        } else if type == Word.adaptive {
            wish.isAdaptive = true
        } else if type == Word.disabled {
            wish.effort = ReasoningRequest.Effort.none
        } else {
            throw Failure(
                .invalidParameter,
                "\(name).type: Input should be 'enabled', 'adaptive' or 'disabled'")
        }
        if let display = value[MessagesWire.display]?.string {
            wish.isShown = display == Word.summarized
        }
        request.reasoning = wish
    }

    private mutating func readOutput(_ value: JSONValue) throws(Failure) {
        let name = "\(MessagesWire.outputConfig)"
        guard value.kind == .object else { throw MessagesField.wrong(name, "dictionary") }
        if let word = value[MessagesWire.effort], !word.isNull {
            let text = try MessagesField.string(word, "\(name).effort")
            guard let effort = ReasoningRequest.Effort(name: text) else {
                throw Failure(
                    .invalidParameter,
                    "\(name).effort: Input should be 'low', 'medium', 'high', 'xhigh' or 'max'")
            }
            var wish = request.reasoning ?? ReasoningRequest()
            // Thinking that is switched off stays so.
            if !wish.isOff { wish.effort = effort }
            request.reasoning = wish
        }
        guard let format = value[MessagesWire.format], !format.isNull else { return }
        guard format[MessagesWire.type]?.string.map({ $0 == MessagesWire.jsonSchema }) == true,
            let schema = format[MessagesWire.schema]
        else {
            throw Failure(
                .invalidParameter, "\(name).format: Input should be a 'json_schema' with a schema")
        }
        request.output = .schema(OutputSchema(name: ByteSlice("output"), schema: schema))
    }
}

/// Members of one type, refused in the dialect's own sentences.
enum MessagesField {
    static func wrong(_ place: String, _ type: String) -> Failure {
        Failure(.invalidParameter, "\(place): Input should be a valid \(type)")
    }

    static func string(_ value: JSONValue, _ place: String) throws(Failure) -> ByteSlice {
        guard let text = value.string else { throw wrong(place, "string") }
        return text
    }

    static func int(_ value: JSONValue, _ place: String) throws(Failure) -> Int {
        guard let int = value.int else { throw wrong(place, "integer") }
        return int
    }

    static func number(_ value: JSONValue, _ place: String) throws(Failure) -> Double {
        guard let number = value.double else { throw wrong(place, "number") }
        return number
    }

    static func bool(_ value: JSONValue, _ place: String) throws(Failure) -> Bool {
        guard let bool = value.bool else { throw wrong(place, "boolean") }
        return bool
    }
}
