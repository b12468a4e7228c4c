// ResponsesRequestDecoder+Tools.swift — tools, the choice among them, the form of the answer and
// how much to think.

import GatewayCodec
import GatewayModel
import GatewayWire
import ReactorCore

extension ResponsesRequestDecoder {
    private typealias Wire = ResponsesWire

    /// Reads the tools and nothing else; with the choice among them, and under the names that the
    /// calls of a relayed answer have, if that is asked for.
    static func decodeTools(_ root: JSONValue, withChoice: Bool) throws(Failure) -> ModelRequest {
        var decoder = ResponsesRequestDecoder(root, .empty, nil)
        decoder.joinsNamespaces = !withChoice
        let fields = ResponsesRoot(root: root)
        try decoder.readDefinitions(fields)
        if withChoice { try decoder.readChoice(fields) }
        return decoder.request
    }

    mutating func readTools(_ root: JSONValue) throws(Failure) {
        let fields = ResponsesRoot(root: root)
        try readDefinitions(fields)
        try readChoice(fields)
        request.allowsParallelCalls = try fields.bool(Wire.parallelToolCalls)
    }

    private mutating func readDefinitions(_ fields: ResponsesRoot) throws(Failure) {
        if let tools = try fields.list(Wire.tools) {
            for (index, tool) in tools.enumerated() {
                try read(tool: tool, in: nil, ResponsesPlace(Wire.tools, index))
            }
        }
    }

    private mutating func readChoice(_ fields: ResponsesRoot) throws(Failure) {
        if let choice = fields.value(Wire.toolChoice) {
            request.toolChoice = try read(choice: choice)
        }
    }

    /// - Parameter namespace: the group that the tool is in.
    private mutating func read(
        tool: JSONValue, in namespace: ByteSlice?, _ place: ResponsesPlace
    ) throws(Failure) {
        guard tool.kind == .object else { throw place.wrong(expected: "an object") }
        let type = try place.word(tool, Wire.type)
        if type == Wire.function {
            let full = name(try place.word(tool, Wire.name), in: namespace)
            request.tools.append(
                ToolDefinition(
                    name: full,
                    description: try place.text(tool, Wire.description),
                    kind: .function(parameters: try place.object(tool, Wire.parameters)),
                    isStrict: try place.bool(tool, Wire.strict)))
        } else if type == Wire.custom {
            let full = name(try place.word(tool, Wire.name), in: namespace)
            request.tools.append(
                ToolDefinition(
                    name: full,
                    description: try place.text(tool, Wire.description),
                    kind: .custom(format: try place.object(tool, Wire.format))))
        } else if type == Wire.namespace, namespace == nil {
            let word = try place.word(tool, Wire.name)
            guard let tools = try place.list(tool, Wire.tools) else {
                throw place.missing(Wire.tools)
            }
            let first = request.tools.count
            for (index, inner) in tools.enumerated() {
                try read(tool: inner, in: word, place.element(Wire.tools, index))
            }
            guard let text = try place.text(tool, Wire.description), !text.isEmpty,
                first < request.tools.count, let namespaces = request.namespaces
            else { return }
            request.tools[first].description = namespaces.describe(
                word, text, before: request.tools[first].description)
        } else {
            // OpenAI runs it, so no other provider can: agents offer some without need.
            leaveOut(type, tool)
        }
    }

    /// What a provider calls a tool.
    mutating func name(_ name: ByteSlice, in namespace: ByteSlice?) -> ByteSlice {
        guard joinsNamespaces, let namespace, !namespace.isEmpty else { return name }
        let namespaces = request.namespaces ?? ToolNamespaces()
        request.namespaces = namespaces
        return namespaces.join(namespace, name)
    }

    private mutating func read(choice: JSONValue) throws(Failure) -> ToolChoice {
        if let word = choice.string { return ToolChoice(try mode(word)) }
        let place = ResponsesPlace(Wire.toolChoice)
        guard choice.kind == .object else {
            throw place.wrong(expected: "a string or an object")
        }
        let type = try place.word(choice, Wire.type)
        if type == Wire.function || type == Wire.custom {
            return ToolChoice(
                .named(
                    name(
                        try place.word(choice, Wire.name),
                        in: try place.text(choice, Wire.namespace))))
        }
        guard type == Wire.allowedTools else {
            throw place.unknown(Wire.type, "tool choice", type)
        }
        let mode = try mode(try place.word(choice, Wire.mode))
        guard let tools = try place.list(choice, Wire.tools) else {
            throw place.missing(Wire.tools)
        }
        var allowed: [ByteSlice] = []
        for (index, tool) in tools.enumerated() {
            let place = place.element(Wire.tools, index)
            guard tool.kind == .object else { throw place.wrong(expected: "an object") }
            let type = try place.word(tool, Wire.type)
            guard type == Wire.function || type == Wire.custom else { continue }
            allowed.append(
                name(
                    try place.word(tool, Wire.name), in: try place.text(tool, Wire.namespace)))
        }
        return ToolChoice(mode, allowed: allowed)
    }

    private func mode(_ word: ByteSlice) throws(Failure) -> ToolChoice.Mode {
        if word == Wire.auto { return .auto }
        if word == Wire.none { return .none }
        if word == Wire.required { return .required }
        throw ResponsesRoot.wrong(Wire.toolChoice, expected: "auto, none or required")
    }

    mutating func readOutput(_ root: JSONValue) throws(Failure) {
        guard let text = try ResponsesRoot(root: root).object(Wire.text) else { return }
        for (name, value) in text.members where !value.isNull && !(name == Wire.format) {
            leaveOut(name, value)
        }
        let outer = ResponsesPlace(Wire.text)
        guard let format = try outer.object(text, Wire.format) else { return }
        let place = ResponsesPlace("text.format")
        let type = try place.word(format, Wire.type)
        if type == Wire.text {
            request.output = .text
        } else if type == Wire.jsonObject {
            request.output = .json
        } else if type == Wire.jsonSchema {
            guard let schema = try place.object(format, Wire.schema) else {
                throw place.missing(Wire.schema)
            }
            request.output = .schema(
                OutputSchema(
                    name: try place.word(format, Wire.name),
                    description: try place.text(format, Wire.description), schema: schema,
                    isStrict: try place.bool(format, Wire.strict)))
        } else {
            throw place.wrong(Wire.type, expected: "text, json_object or json_schema")
        }
    }

    mutating func readReasoning(_ root: JSONValue) throws(Failure) {
        guard let reasoning = try ResponsesRoot(root: root).object(Wire.reasoning) else { return }
        let place = ResponsesPlace(Wire.reasoning)
        var wish = ReasoningRequest()
        if let word = try place.text(reasoning, Wire.effort) {
            guard let effort = ReasoningRequest.Effort(name: word) else {
                throw place.wrong(
                    Wire.effort, expected: "none, minimal, low, medium, high, xhigh or max")
            }
            wish.effort = effort
        }
        var summary = try place.text(reasoning, Wire.summary)
        if summary == nil { summary = try place.text(reasoning, Wire.generateSummary) }
        if let summary { wish.isShown = !(summary == Wire.none) }
        guard wish.effort != nil || wish.isShown != nil else { return }
        request.reasoning = wish
    }
}
