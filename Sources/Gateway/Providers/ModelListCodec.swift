// ModelListCodec.swift — how the providers that list their models are asked, and what they answer.
// Pure. Imported by Exchange. A new provider is a case in `Provider.modelList`.

import GatewayCodec
import GatewayModel
import ReactorCore

/// One page of a list.
package struct ModelListPage: Equatable, Sendable {
    /// At most `ModelListCodec.modelCountMax`, in the provider's order.
    package var models: [CatalogModel] = []
    /// The cursor of the next page; nil if this is the last.
    package var next: [UInt8]?

    package init() {}
}

/// A way in which lists of models are spelled.
package enum ModelListCodec: Equatable, Sendable {
    /// In one piece; SambaNova's leaves `created` out.
    case openAI
    /// Page by page.
    case anthropic
    /// Page by page, every name behind `models/`.
    case gemini
    /// Vertex AI's: publisher by publisher, page by page.
    case vertex

    /// Models of one page; further ones are left out.
    package static let modelCountMax = 10_000
    /// So many bytes of a page are worth keeping for this decoder; a longer one is a failure.
    package static let bodyBytesMax = 16 << 20
    /// A longer cursor is a failure.
    package static let cursorBytesMax = 1024
    /// A longer name of an owner, or for people, is left out.
    static let textBytesMax = 256

    /// Appends what stands behind the base URL's path in a GET for the page behind `cursor`; empty:
    /// the first.
    package func appendTarget(cursor: ByteSlice, to target: inout ByteBuffer) {
        switch self {
        case .openAI: OpenAIModelList.appendTarget(to: &target)
        case .anthropic: AnthropicModelList.appendTarget(cursor: cursor, to: &target)
        case .gemini: GeminiModelList.appendTarget(cursor: cursor, to: &target)
        case .vertex: VertexModelList.appendTarget(cursor: cursor, to: &target)
        }
    }

    /// Whole field lines that the GET needs besides its credential.
    package func appendFields(to fields: inout ByteBuffer) {
        switch self {
        case .openAI, .gemini, .vertex: break
        case .anthropic: AnthropicModelList.appendFields(to: &fields)
        }
    }

    /// Whether a status of failure says only that there is nothing behind `cursor`.
    package func endsList(status: Int, cursor: ByteSlice) -> Bool {
        self == .vertex && VertexModelList.endsList(status: status, cursor: cursor)
    }

    /// Reads the page behind `cursor` under a status of success. What a page tells of a model and
    /// makes no sense is left out; a model without a name too.
    package func decode(
        _ body: ByteSlice, cursor: ByteSlice = .empty, arena: JSONArena
    ) throws(Failure) -> ModelListPage {
        guard body.count <= Self.bodyBytesMax else { throw Self.malformed("it is too long") }
        let tree: JSONTree
        do throws(JSONFailure) { tree = try arena.read(body) } catch {
            throw Self.malformed("\(error)")
        }
        let page =
            switch self {
            case .openAI: try OpenAIModelList.read(tree.root)
            case .anthropic: try AnthropicModelList.read(tree.root)
            case .gemini: try GeminiModelList.read(tree.root)
            case .vertex: try VertexModelList.read(tree.root, cursor: cursor)
            }
        if let next = page.next, next.count > Self.cursorBytesMax {
            throw Self.malformed("its cursor is too long")
        }
        return page
    }

    static func malformed(_ what: String) -> Failure {
        Failure(.upstreamMalformed, "The upstream's list of models makes no sense: \(what).")
    }

    /// The models of an array that `read` takes for some.
    static func models(
        _ list: JSONValue?, _ name: StaticString, _ read: (JSONValue) -> CatalogModel?
    ) throws(Failure) -> [CatalogModel] {
        guard let list, list.kind == .array else { throw malformed("it has no '\(name)'") }
        var models: [CatalogModel] = []
        for element in list.elements.prefix(modelCountMax) {
            if let model = read(element) { models.append(model) }
        }
        return models
    }

    /// A model's name, if it is one that can be asked for: it goes into headers and log lines.
    static func id(_ text: ByteSlice?) -> String? {
        guard let text, !text.isEmpty, text.count <= CatalogModel.idBytesMax else { return nil }
        for index in 0..<text.count where text[index] < ASCII.space || text[index] == 0x7F {
            return nil
        }
        return text.string
    }

    static func text(_ value: JSONValue?) -> String? {
        guard let text = value?.string, !text.isEmpty, text.count <= textBytesMax else {
            return nil
        }
        return text.string
    }

    /// A number of tokens or seconds; some servers write fractions.
    static func count(_ value: JSONValue?) -> Int? {
        guard let number = value?.double, number >= 1, number < 1e12 else { return nil }
        return Int(number)
    }
}

extension Provider {
    /// How its models are listed; nil where it cannot be asked. (Salesforce lists none. Vertex AI and
    /// SambaNova's web session list at places of their own: `Upstream.modelsPlace`.)
    package var modelList: ModelListCodec? {
        switch self {
        case .openAI: .openAI
        case .anthropic(let provider): provider.flavour == .native ? .anthropic : nil
        case .gemini: .gemini
        case .sambaNovaWeb: .openAI
        case .vertex: .vertex
        case .salesforce: nil
        }
    }
}
