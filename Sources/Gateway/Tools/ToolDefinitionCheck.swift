// ToolDefinitionCheck.swift — whether the tools of a request are ones that a provider can be told.
// Pure. Used by Exchange before a request is encoded; a failure names the tool by its place in the
// words of the caller's dialect. Nothing is changed: names, descriptions and schemas travel as they
// are, expressions of templates in them (n8n's `$fromAI()`) included.

import GatewayCodec
import GatewayModel
import ReactorCore

/// Checks tool definitions of OpenAI's, Anthropic's and Gemini's form, which are one in the model.
package struct ToolDefinitionCheck {
    /// What a provider's names may be made of, and how many tools it takes.
    package struct Rules: Equatable, Sendable {
        package var nameBytesMax: Int
        /// Whether names may hold `.` and `:`, and must not begin with a digit or `-`.
        package var isGemini: Bool
        package var countMax: Int

        /// Where a request is relayed, which may be to any server that speaks the dialect: it knows
        /// itself how many it takes and how long their names may be.
        static let relayed = Rules(nameBytesMax: .max, isGemini: false, countMax: .max)

        private init(nameBytesMax: Int, isGemini: Bool, countMax: Int) {
            (self.nameBytesMax, self.isGemini, self.countMax) = (nameBytesMax, isGemini, countMax)
        }

        package init(for target: Dialect) {
            switch target {
            case .messages: (nameBytesMax, isGemini, countMax) = (128, false, 1024)
            case .gemini: (nameBytesMax, isGemini, countMax) = (64, true, 512)
            case .chat, .responses, .completions, .salesforce, .sambaNovaWeb:
                (nameBytesMax, isGemini, countMax) = (64, false, 128)
            }
        }
    }

    private let door: Dialect
    private let rules: Rules

    /// A check of requests that came in the words of `door`, for a provider that speaks `target`.
    package init(door: Dialect, target: Dialect) {
        self.door = door
        rules = Rules(for: target)
    }

    /// A check of the definitions in requests that are relayed in the words of `door`.
    package init(relayedAt door: Dialect) {
        self.door = door
        rules = .relayed
    }

    package func check(_ request: ModelRequest) throws(Failure) {
        try checkChoice(of: request, try check(request.tools))
    }

    /// Checks the definitions alone. - Returns: their names.
    @discardableResult
    package func check(_ tools: [ToolDefinition]) throws(Failure) -> Set<[UInt8]> {
        guard tools.count <= rules.countMax else {
            throw Failure(
                .invalidParameter,
                "There are \(tools.count) tools; the provider takes \(rules.countMax).",
                parameter: "tools")
        }
        var seen: Set<[UInt8]> = []
        for (index, tool) in tools.enumerated() {
            if case .foreign = tool.kind { continue }
            try checkName(tool.name, index)
            guard seen.insert(Array(tool.name.raw)).inserted else {
                throw fault(
                    index, nameMember, "There are two tools with the name '\(tool.name.string)'.")
            }
            if case .function(let parameters?) = tool.kind {
                try check(parameters, of: tool, index)
            }
        }
        return seen
    }

    // MARK: Names

    private func checkName(_ name: ByteSlice, _ index: Int) throws(Failure) {
        guard !name.isEmpty else {
            throw fault(index, nameMember, "A tool must have a name.", .missingParameter)
        }
        guard name.count <= rules.nameBytesMax else {
            throw fault(
                index, nameMember,
                "A tool's name has at most \(rules.nameBytesMax) characters; this one has "
                    + "\(name.count).")
        }
        for place in 0..<name.count {
            let byte = name[place]
            let isWord =
                ASCII.isLetter(byte) || byte == UInt8(ascii: "_")
                || (place > 0 || !rules.isGemini)
                    && (ASCII.isDigit(byte) || byte == UInt8(ascii: "-"))
            let isGeminis =
                rules.isGemini && place > 0
                && (byte == UInt8(ascii: ".") || byte == ASCII.colon)
            guard isWord || isGeminis else {
                let set =
                    rules.isGemini
                    ? "letters, digits, '_', '-', '.' and ':', and begins with a letter or '_'"
                    : "letters, digits, '_' and '-'"
                throw fault(
                    index, nameMember,
                    "A tool's name consists of \(set); '\(Self.shown(name))' does not.")
            }
        }
    }

    private static func shown(_ name: ByteSlice) -> String {
        String(name.string.unicodeScalars.map { $0.value < 0x20 ? "?" : Character($0) })
    }

    // MARK: Schemas

    private func check(
        _ parameters: JSONValue, of tool: ToolDefinition, _ index: Int
    ) throws(Failure) {
        if parameters.isNull { return }
        let name = tool.name.string
        guard parameters.kind == .object else {
            throw fault(
                index, schemaMember,
                "The parameters of the tool '\(name)' must be a JSON Schema, an object.")
        }
        if let type = parameters["type"], !Self.isObject(type) {
            throw fault(
                index, schemaMember + ".type",
                "The parameters of the tool '\(name)' must be of the type 'object'.")
        }
        if let properties = parameters["properties"], !properties.isNull {
            guard properties.kind == .object else {
                throw fault(
                    index, schemaMember + ".properties",
                    "The properties of the tool '\(name)' must be an object.")
            }
            for (property, schema) in properties.members
            where schema.kind != .object && schema.kind != .bool {
                throw fault(
                    index, schemaMember + ".properties",
                    "The property '\(Self.shown(property))' of the tool '\(name)' must be a "
                        + "schema.")
            }
        }
        if let required = parameters["required"], !required.isNull {
            let isList =
                required.kind == .array && required.elements.allSatisfy { $0.kind == .string }
            guard isList else {
                throw fault(
                    index, schemaMember + ".required",
                    "The required properties of the tool '\(name)' must be an array of strings.")
            }
        }
    }

    private static func isObject(_ type: JSONValue) -> Bool {
        if let word = type.string { return word == "object" }
        return type.isNull || type.elements.contains { $0.string.map { $0 == "object" } ?? false }
    }

    // MARK: Choice

    private func checkChoice(of request: ModelRequest, _ names: Set<[UInt8]>) throws(Failure) {
        guard let choice = request.toolChoice else { return }
        func check(_ name: ByteSlice) throws(Failure) {
            let isKnown =
                names.contains(Array(name.raw))
                || request.tools.contains { $0.name == name }
            guard isKnown else {
                throw Failure(
                    .invalidParameter,
                    "'tool_choice' names the tool '\(Self.shown(name))', which is not in 'tools'.",
                    parameter: "tool_choice")
            }
        }
        switch choice.mode {
        case .named(let name): try check(name)
        case .required:
            guard !request.tools.isEmpty else {
                throw Failure(
                    .invalidParameter, "'tool_choice' asks for a call, but there are no tools.",
                    parameter: "tool_choice")
            }
        case .auto, .none: break
        }
        for name in choice.allowed ?? [] { try check(name) }
    }

    // MARK: Places

    private var nameMember: String {
        switch door {
        case .chat, .completions: "function.name"
        default: "name"
        }
    }

    private var schemaMember: String {
        switch door {
        case .chat, .completions: "function.parameters"
        case .messages: "input_schema"
        default: "parameters"
        }
    }

    private func fault(
        _ index: Int, _ member: String, _ message: String,
        _ kind: Failure.Kind = .invalidParameter
    ) -> Failure {
        Failure(kind, message, parameter: "tools[\(index)].\(member)")
    }
}
