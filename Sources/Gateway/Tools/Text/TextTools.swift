// TextTools.swift — tools for models whose API knows text only: definitions and the call
// convention as a prompt, calls and results of the conversation as text.
// Pure. Its mirror is TextToolParser. Used by Exchange in front of a text-only provider's encoder.

import GatewayCodec
import GatewayModel
import ReactorCore

/// The way of a request with tools to a provider without.
package enum TextTools {
    /// Whether a request has anything that text-only providers cannot be told.
    package static func areNeeded(by request: ModelRequest) -> Bool {
        !request.tools.isEmpty || request.toolChoice != nil
            || request.messages.contains { $0.role == .tool }
            || request.parts.contains {
                if case .toolCall = $0.content { true } else { false }
            }
    }

    /// Whether the answer may hold calls.
    package static func mayBeCalled(in request: ModelRequest) -> Bool {
        if case .none? = request.toolChoice?.mode { return false }
        return !request.tools.isEmpty
    }

    /// The request in text only. It borrows from `request` and from `texts`; both live until it has
    /// been encoded.
    ///
    /// - Throws: a failure that names the tool that cannot be told in text.
    package static func fold(
        _ request: ModelRequest, into texts: ComposedText
    ) throws(Failure) -> ModelRequest {
        for (index, tool) in request.tools.enumerated() {
            guard case .foreign = tool.kind else { continue }
            throw Failure(
                .unsupportedParameter, "The provider does not have this tool.",
                parameter: "tools[\(index)]")
        }
        var folded = request
        folded.messages = []
        folded.parts = []
        folded.tools = []
        folded.toolChoice = nil
        folded.allowsParallelCalls = nil
        var section: ByteSlice? =
            mayBeCalled(in: request) ? texts.compose { append(promptFor: request, to: &$0) } : nil
        var index = 0
        while index < request.messages.count {
            let message = request.messages[index]
            if message.role != .system, message.role != .developer, let prompt = section {
                folded.append(.system, [ContentPart(.text(prompt))])
                section = nil
            }
            switch message.role {
            case .assistant:
                folded.append(.assistant, turn(message, request, texts), name: message.name)
            case .tool:
                let start = index
                while index < request.messages.count, request.messages[index].role == .tool {
                    index += 1
                }
                folded.append(.user, results(request.messages[start..<index], request, texts))
                continue
            case .system, .developer, .user:
                folded.append(message.role, Array(request.parts(of: message)), name: message.name)
            }
            index += 1
        }
        if let section { folded.append(.system, [ContentPart(.text(section))]) }
        return folded
    }

    // MARK: The prompt

    private static func append(promptFor request: ModelRequest, to out: inout ByteBuffer) {
        out.append(
            "# Tools\n\nYou can call tools. Each line is the JSON of one:\n\n<tools>\n"
                as StaticString)
        let allowed = request.toolChoice?.allowed
        for tool in request.tools {
            if let allowed, !allowed.contains(where: { $0 == tool.name }) { continue }
            append(tool, to: &out)
            out.append(ASCII.lf)
        }
        out.append(
            """
            </tools>

            To call a tool, write a block of exactly this form, its arguments one JSON object that \
            satisfies the tool's parameters:

            <tool_call>
            {"name": "TOOL_NAME", "arguments": {"PARAMETER": "VALUE"}}
            </tool_call>


            """ as StaticString)
        if request.allowsParallelCalls == false {
            out.append("Write one such block at most.\n" as StaticString)
        } else {
            out.append("For several calls write several blocks.\n" as StaticString)
        }
        out.append(
            """
            Write nothing behind your calls: the results come with the next message, in \
            <tool_response> blocks, which you never write yourself.

            """ as StaticString)
        switch request.toolChoice?.mode {
        case .required?:
            out.append("This answer must call at least one tool.\n" as StaticString)
        case .named(let name)?:
            out.append("This answer must call the tool " as StaticString)
            out.append(name)
            out.append(".\n" as StaticString)
        default:
            out.append(
                "Call a tool only where it is needed; else answer as usual.\n" as StaticString)
        }
    }

    private static func append(_ tool: ToolDefinition, to out: inout ByteBuffer) {
        out.writeJSON { json in
            json.beginObject()
            json.field("name", tool.name)
            if let description = tool.description { json.field("description", description) }
            switch tool.kind {
            case .function(let parameters):
                if let parameters {
                    json.field("parameters", parameters)
                } else {
                    json.beginObject("parameters")
                    json.endObject()
                }
            case .custom:
                // Its input is free text: the one string of an object.
                json.key("parameters")
                json.raw(
                    ByteSlice(
                        #"{"type":"object","properties":{"input":{"type":"string"}}}"#
                            as StaticString))
            case .foreign: break
            }
            json.endObject()
        }
    }

    // MARK: The conversation

    private static func turn(
        _ message: Message, _ request: ModelRequest, _ texts: ComposedText
    ) -> [ContentPart] {
        var parts: [ContentPart] = []
        var calls: [ToolCall] = []
        for part in request.parts(of: message) {
            if case .toolCall(let call) = part.content {
                calls.append(call)
            } else {
                parts.append(part)
            }
        }
        guard !calls.isEmpty else { return parts }
        let isFirst = parts.isEmpty
        let text = texts.compose { out in
            for (index, call) in calls.enumerated() {
                if index > 0 || !isFirst { out.append(ASCII.lf) }
                append(call, to: &out)
            }
        }
        return parts + [ContentPart(.text(text))]
    }

    private static func append(_ call: ToolCall, to out: inout ByteBuffer) {
        out.append("<tool_call>\n{\"name\": " as StaticString)
        out.append(jsonString: call.name)
        out.append(", \"arguments\": " as StaticString)
        switch call.arguments {
        case .value(let value): out.writeJSON { $0.value(value) }
        case .text(let text) where call.isCustom:
            out.append("{\"input\": " as StaticString)
            out.append(jsonString: text)
            out.append(ASCII.closeBrace)
        case .text(let text):
            // What an earlier model wrote, or what it was mended to; else as a string.
            if ArgumentRecovery.recover(text, into: &out) == nil { out.append(jsonString: text) }
        }
        out.append("}\n</tool_call>" as StaticString)
    }

    private static func results(
        _ messages: ArraySlice<Message>, _ request: ModelRequest, _ texts: ComposedText
    ) -> [ContentPart] {
        var others: [ContentPart] = []
        let text = texts.compose { out in
            for message in messages {
                if !out.isEmpty { out.append(ASCII.lf) }
                append(message, request, to: &out, &others)
            }
        }
        return [ContentPart(.text(text))] + others
    }

    private static func append(
        _ message: Message, _ request: ModelRequest, to out: inout ByteBuffer,
        _ others: inout [ContentPart]
    ) {
        out.append("<tool_response" as StaticString)
        if let result = message.result {
            if let name = result.name ?? request.toolName(ofCall: result.callID) {
                out.append(" name=" as StaticString)
                out.append(jsonString: name)
            }
            if result.isError { out.append(" error=\"true\"" as StaticString) }
        }
        out.append(">\n" as StaticString)
        for part in request.parts(of: message) {
            if case .text(let text) = part.content {
                append(result: text, to: &out)
                out.append(ASCII.lf)
            } else {
                others.append(part)
            }
        }
        out.append("</tool_response>" as StaticString)
    }

    /// A result cannot end its block: what it says is data.
    private static func append(result text: ByteSlice, to out: inout ByteBuffer) {
        var rest = text
        while let end = rest.firstRange(of: "</tool_response") {
            out.append(rest.prefix(end))
            out.append("<\\/tool_response" as StaticString)
            rest = rest.dropFirst(end + 15)
        }
        out.append(rest)
    }
}
