// GeminiEmbeddings.swift — embeddings in Google's words, both ways: batchEmbedContents at the
// Developer API; at Vertex AI predict, or embedContent for the models that only have that.
// Pure; borrows the request and the body. Imported by EmbeddingCatalog.

import GatewayCodec
import GatewayModel
import GatewayWire
import ReactorCore

enum GeminiEmbeddings {
    /// The Developer API refuses more inputs at once.
    static let batchCountMax = 100

    /// What goes with every input, in Google's own words.
    private struct Options {
        var taskType: ByteSlice?
        var title: ByteSlice?
    }

    // MARK: Requests

    static func encode(
        _ request: EmbeddingRequest, _ context: ProviderContext, _ provider: GeminiProvider,
        into call: inout ProviderCall
    ) throws(Failure) {
        try refuseTokens(request)
        guard request.inputs.count <= batchCountMax else {
            throw tooMany("Gemini embeds at most \(batchCountMax) inputs in one request.")
        }
        let options = try options(of: request, into: &call)
        provider.appendTarget(
            of: context.model, publisher: "google", GeminiWire.batchEmbed, to: &call.target)
        call.codec = .gemini
        call.body.writeJSON { json in
            json.beginObject()
            json.beginArray(GeminiEmbeddingWire.requests)
            for input in request.inputs {
                json.beginObject()
                json.key(GeminiEmbeddingWire.model)
                json.string { buffer in
                    buffer.append(GeminiEmbeddingWire.modelPrefix)
                    buffer.append(jsonEscaping: GeminiProvider.bare(context.model))
                }
                writeContent(input, request, options, to: &json)
                json.endObject()
            }
            json.endArray()
            json.endObject()
        }
    }

    /// - Returns: how the answer will be spelled.
    static func encode(
        _ request: EmbeddingRequest, _ context: ProviderContext, vertex provider: GeminiProvider,
        into call: inout ProviderCall
    ) throws(Failure) -> EmbeddingCodec {
        try refuseTokens(request)
        let name = GeminiProvider.bare(context.model)
        let isGemini = name.hasPrefix("gemini-embedding-")
        guard !isGemini || request.inputs.count == 1 else {
            throw tooMany("This model at Vertex AI embeds one input in one request.")
        }
        // The first of them is served as the models before it were.
        let isContent = isGemini && !name.hasPrefix("gemini-embedding-001")
        let options = try options(of: request, into: &call)
        provider.appendTarget(
            of: context.model, publisher: "google",
            isContent ? GeminiWire.embed : GeminiWire.predict, to: &call.target)
        call.codec = .gemini
        call.body.writeJSON { json in
            json.beginObject()
            if isContent, let input = request.inputs.first {
                writeContent(input, request, options, to: &json)
            } else {
                writeInstances(request, options, to: &json)
            }
            json.endObject()
        }
        return isContent ? .gemini : .vertex
    }

    private static func writeContent(
        _ input: EmbeddingRequest.Input, _ request: EmbeddingRequest, _ options: Options,
        to json: inout JSONWriter
    ) {
        json.beginObject(GeminiEmbeddingWire.content)
        json.beginArray(GeminiEmbeddingWire.parts)
        json.beginObject()
        json.field(GeminiEmbeddingWire.text, text(input))
        json.endObject()
        json.endArray()
        json.endObject()
        if let type = options.taskType { json.field(GeminiEmbeddingWire.taskType, type) }
        if let title = options.title { json.field(GeminiEmbeddingWire.title, title) }
        if let dimensions = request.dimensions {
            json.field(GeminiEmbeddingWire.outputDimensionality, dimensions)
        }
    }

    private static func writeInstances(
        _ request: EmbeddingRequest, _ options: Options, to json: inout JSONWriter
    ) {
        json.beginArray(GeminiEmbeddingWire.instances)
        for input in request.inputs {
            json.beginObject()
            json.field(GeminiEmbeddingWire.content, text(input))
            if let type = options.taskType { json.field(GeminiEmbeddingWire.taskTypeSnake, type) }
            if let title = options.title { json.field(GeminiEmbeddingWire.title, title) }
            json.endObject()
        }
        json.endArray()
        if let dimensions = request.dimensions {
            json.beginObject(GeminiEmbeddingWire.parameters)
            json.field(GeminiEmbeddingWire.outputDimensionality, dimensions)
            json.endObject()
        }
    }

    private static func text(_ input: EmbeddingRequest.Input) -> ByteSlice {
        if case .text(let text) = input { return text }
        preconditionFailure("tokens have been refused")
    }

    private static func refuseTokens(_ request: EmbeddingRequest) throws(Failure) {
        guard let index = request.firstTokenInput else { return }
        throw Failure(
            .unsupportedParameter, "Google's models embed texts, not tokens.",
            parameter: request.place(ofInput: index))
    }

    private static func tooMany(_ message: String) -> Failure {
        Failure(.unsupportedParameter, message, parameter: "\(EmbeddingWire.input)")
    }

    /// What a caller says in Google's words goes along; other members and the user do not.
    private static func options(
        of request: EmbeddingRequest, into call: inout ProviderCall
    ) throws(Failure) -> Options {
        var options = Options()
        if request.user != nil { call.drop(.user) }
        for member in request.extras.members {
            let isType =
                member.name == EmbeddingWire.taskType
                || member.name == GeminiEmbeddingWire.taskType
            guard isType || member.name == EmbeddingWire.title else {
                call.drop(extra: member.name)
                continue
            }
            guard let text = member.value.string else {
                let name = member.name.string
                throw Failure(.invalidParameter, "'\(name)' must be a string.", parameter: name)
            }
            if isType { options.taskType = text } else { options.title = text }
        }
        return options
    }

    // MARK: Answers

    static func decode(
        _ body: ByteSlice, inputCount: Int, _ context: ProviderContext
    ) throws(Failure) -> EmbeddingResponse {
        try EmbeddingVectors.withTree(body, context) { (root) throws(Failure) in
            try throwError(in: root)
            var vectors = EmbeddingVectors(count: inputCount)
            if let one = root[GeminiEmbeddingWire.embedding] {
                try vectors.put(try values(of: one), at: 0)
            } else {
                guard let list = root[GeminiEmbeddingWire.embeddings], list.kind == .array else {
                    throw EmbeddingVectors.malformed("it has no 'embeddings'")
                }
                for (index, element) in list.elements.enumerated() {
                    try vectors.put(try values(of: element), at: index)
                }
            }
            let count = root[GeminiEmbeddingWire.usageMetadata]?[
                GeminiEmbeddingWire.promptTokenCount]?.int
            return EmbeddingResponse(vectors: try vectors.finish(), usage: count.map(usage))
        }
    }

    static func decode(
        predictions body: ByteSlice, inputCount: Int, _ context: ProviderContext
    ) throws(Failure) -> EmbeddingResponse {
        try EmbeddingVectors.withTree(body, context) { (root) throws(Failure) in
            try throwError(in: root)
            guard let list = root[GeminiEmbeddingWire.predictions], list.kind == .array else {
                throw EmbeddingVectors.malformed("it has no 'predictions'")
            }
            var vectors = EmbeddingVectors(count: inputCount)
            var tokens: Int?
            for (index, element) in list.elements.enumerated() {
                guard let embeddings = element[GeminiEmbeddingWire.embeddings] else {
                    throw EmbeddingVectors.malformed("a prediction without a vector")
                }
                try vectors.put(try values(of: embeddings), at: index)
                let count = embeddings[GeminiEmbeddingWire.statistics]?[
                    GeminiEmbeddingWire.tokenCount]?.double
                // A count is a number with a fraction there, sometimes.
                if let count { tokens = (tokens ?? 0) + Int(max(0, min(count, 1e9))) }
            }
            return EmbeddingResponse(vectors: try vectors.finish(), usage: tokens.map(usage))
        }
    }

    private static func throwError(in root: JSONValue) throws(Failure) {
        if let error = root[GeminiEmbeddingWire.error], !error.isNull {
            throw GeminiErrorDecoder.failure(inAnswer: error)
        }
    }

    private static func values(of value: JSONValue) throws(Failure) -> JSONValue {
        guard let values = value[GeminiEmbeddingWire.values] else {
            throw EmbeddingVectors.malformed("an element without 'values'")
        }
        return values
    }

    private static func usage(_ tokens: Int) -> Usage {
        var usage = Usage()
        usage.inputTokens = max(0, min(tokens, 1 << 48))
        usage.totalTokens = usage.inputTokens
        return usage
    }
}
