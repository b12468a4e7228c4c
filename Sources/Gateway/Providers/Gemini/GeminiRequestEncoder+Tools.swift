// GeminiRequestEncoder+Tools.swift — functions on offer, and whether they must be called.
// Pure.

import GatewayCodec
import GatewayModel
import GatewayWire
import ReactorCore

extension GeminiRequestEncoder {
    mutating func writeTools(_ json: inout JSONWriter) throws(Failure) {
        guard !request.tools.isEmpty else { return }
        let offered = offeredOnly
        var functionCount = 0
        json.beginArray(GeminiWire.tools)
        for (index, tool) in request.tools.enumerated() {
            switch tool.kind {
            case .function(let parameters):
                if tool.isStrict == true { drop(.strictTools) }
                if let offered, !offered.contains(GeminiKey(tool.name)) { continue }
                if functionCount == 0 {
                    json.beginObject()
                    json.beginArray(GeminiWire.functionDeclarations)
                }
                functionCount += 1
                try write(tool, parameters, index: index, &json)
            case .foreign(.gemini, _): continue
            case .custom, .foreign:
                throw Failure(
                    .unsupportedParameter, "This model takes functions as tools only.",
                    parameter: "tools[\(index)]")
            }
        }
        if functionCount > 0 {
            json.endArray()
            json.endObject()
        }
        for tool in request.tools {
            if case .foreign(.gemini, let value) = tool.kind { json.value(value) }
        }
        json.endArray()
        if functionCount > 0 { writeChoice(&json) }
    }

    /// Under `auto` a list of allowed functions has no word: only those are offered then.
    private var offeredOnly: Set<GeminiKey>? {
        guard let choice = request.toolChoice, let allowed = choice.allowed,
            case .auto = choice.mode
        else { return nil }
        return Set(allowed.map(GeminiKey.init))
    }

    private func write(
        _ tool: ToolDefinition, _ parameters: JSONValue?, index: Int, _ json: inout JSONWriter
    ) throws(Failure) {
        json.beginObject()
        json.field(GeminiWire.name, tool.name)
        if let description = tool.description { json.field(GeminiWire.description, description) }
        if let parameters, parameters.kind == .object {
            if capabilities.takesJSONSchema {
                json.field(GeminiWire.parametersJSONSchema, parameters)
            } else if !GeminiSchema.isEmptyObject(parameters) {
                json.key(GeminiWire.parameters)
                guard GeminiSchema.write(parameters, &json) else {
                    throw GeminiSchema.tooLarge(parameter: "tools[\(index)].function.parameters")
                }
            }
        }
        json.endObject()
    }

    private func writeChoice(_ json: inout JSONWriter) {
        guard let choice = request.toolChoice else { return }
        json.beginObject(GeminiWire.toolConfig)
        json.beginObject(GeminiWire.functionCallingConfig)
        switch choice.mode {
        case .auto: json.field(GeminiWire.mode, GeminiWire.modeAuto)
        case .none: json.field(GeminiWire.mode, GeminiWire.modeNone)
        case .required:
            json.field(GeminiWire.mode, GeminiWire.modeAny)
            if let allowed = choice.allowed { write(allowed, &json) }
        case .named(let name):
            json.field(GeminiWire.mode, GeminiWire.modeAny)
            write([name], &json)
        }
        json.endObject()
        json.endObject()
    }

    private func write(_ allowed: [ByteSlice], _ json: inout JSONWriter) {
        json.beginArray(GeminiWire.allowedFunctionNames)
        for name in allowed { json.value(name) }
        json.endArray()
    }
}
