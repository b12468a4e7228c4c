// ModelsEncoder.swift — models as OpenAI's and Anthropic's clients expect them.
// Pure. Imported by Admin.

import GatewayCodec
import GatewayModel
import GatewayWire
import ReactorCore

/// In whose words models are told.
package enum ModelsShape: Equatable, Sendable {
    case openAI
    /// For requests with the header `anthropic-version`.
    case anthropic
}

/// Writes models.
package struct ModelsEncoder {
    private let shape: ModelsShape
    /// Told of models of which nobody says when they were made.
    private let createdSeconds: Int

    package init(_ shape: ModelsShape, createdSeconds: Int) {
        self.shape = shape
        self.createdSeconds = createdSeconds
    }

    /// Appends one model.
    package func encode(_ model: CatalogModel, to buffer: inout ByteBuffer) {
        buffer.writeJSON { write(model, &$0) }
    }

    /// Appends those of `models` that `isAllowed` by the caller's key: all in OpenAI's shape, the
    /// page that `query` names in Anthropic's.
    /// - Throws: a failure for the caller where the page begins at a model that is not there.
    package func encode(
        _ models: [CatalogModel], _ query: ModelsQuery, to buffer: inout ByteBuffer,
        where isAllowed: (ByteSlice) -> Bool
    ) throws(Failure) {
        let models = models.filter { $0.id.withByteSlice(isAllowed) }
        switch shape {
        case .openAI:
            buffer.writeJSON { json in
                json.beginObject()
                json.field(ModelsWire.object, ModelsWire.list)
                json.beginArray(ModelsWire.data)
                for model in models { write(model, &json) }
                json.endArray()
                json.endObject()
            }
        case .anthropic:
            let range = try Self.page(of: models, query)
            let hasMore =
                query.beforeID == nil ? range.upperBound < models.count : range.lowerBound > 0
            buffer.writeJSON { json in
                json.beginObject()
                json.beginArray(AnthropicModelsWire.data)
                for model in models[range] { write(model, &json) }
                json.endArray()
                json.field(AnthropicModelsWire.hasMore, hasMore)
                Self.write(AnthropicModelsWire.firstID, models[range].first?.id, &json)
                Self.write(AnthropicModelsWire.lastID, models[range].last?.id, &json)
                json.endObject()
            }
        }
    }

    private static func page(
        of models: [CatalogModel], _ query: ModelsQuery
    ) throws(Failure) -> Range<Int> {
        if let id = query.beforeID {
            let end = try place(of: id, in: models, AnthropicModelsWire.beforeID)
            return max(0, end - query.limit)..<end
        }
        var start = 0
        if let id = query.afterID {
            start = try place(of: id, in: models, AnthropicModelsWire.afterID) + 1
        }
        return start..<min(models.count, start + query.limit)
    }

    private static func place(
        of id: String, in models: [CatalogModel], _ parameter: StaticString
    ) throws(Failure) -> Int {
        guard let place = models.firstIndex(where: { $0.id == id }) else {
            throw Failure(
                .invalidParameter, "'\(parameter)' names no model of the list.",
                parameter: "\(parameter)")
        }
        return place
    }

    private static func write(
        _ name: StaticString, _ text: String?, _ json: inout JSONWriter
    ) {
        if let text { json.field(name, text: text) } else { json.null(name) }
    }

    private func write(_ model: CatalogModel, _ json: inout JSONWriter) {
        switch shape {
        case .openAI: writeOpenAI(model, &json)
        case .anthropic: writeAnthropic(model, &json)
        }
    }

    private func writeOpenAI(_ model: CatalogModel, _ json: inout JSONWriter) {
        json.beginObject()
        json.field(ModelsWire.id, text: model.id)
        json.field(ModelsWire.object, ModelsWire.model)
        json.field(ModelsWire.created, model.createdSeconds ?? createdSeconds)
        json.field(ModelsWire.ownedBy, text: model.owner ?? "")
        // Beyond the dialect proper, as several servers tell it.
        if let name = model.displayName { json.field(ModelsWire.displayName, text: name) }
        if let tokens = model.contextTokens { json.field(ModelsWire.contextLength, tokens) }
        if let tokens = model.outputTokensMax {
            json.field(ModelsWire.maxCompletionTokens, tokens)
        }
        json.endObject()
    }

    private func writeAnthropic(_ model: CatalogModel, _ json: inout JSONWriter) {
        json.beginObject()
        json.field(AnthropicModelsWire.type, AnthropicModelsWire.model)
        json.field(AnthropicModelsWire.id, text: model.id)
        json.field(AnthropicModelsWire.displayName, text: model.displayName ?? model.id)
        json.key(AnthropicModelsWire.createdAt)
        json.string {
            HTTPDate.appendTimestamp(
                secondsSince1970: model.createdSeconds ?? createdSeconds, to: &$0)
            $0.append(UInt8(ascii: "Z"))
        }
        if let tokens = model.contextTokens {
            json.field(AnthropicModelsWire.maxInputTokens, tokens)
        }
        if let tokens = model.outputTokensMax {
            json.field(AnthropicModelsWire.maxTokens, tokens)
        }
        json.endObject()
    }
}
