// GeminiModelList.swift — the list of models of the Gemini Developer API.
// Pure; borrows the tree. Imported by ModelListCodec.

import GatewayCodec
import GatewayModel
import GatewayWire
import ReactorCore

enum GeminiModelList {
    static func appendTarget(cursor: ByteSlice, to target: inout ByteBuffer) {
        target.append(GeminiModelsWire.target)
        guard !cursor.isEmpty else { return }
        target.append(GeminiModelsWire.pageTokenQuery)
        target.append(pathSegment: cursor)
    }

    static func read(_ root: JSONValue) throws(Failure) -> ModelListPage {
        if let error = root[GeminiErrorWire.error], !error.isNull {
            throw GeminiErrorDecoder.failure(inAnswer: error)
        }
        var page = ModelListPage()
        // An empty page has no list.
        if root[GeminiModelsWire.models] != nil || root.kind != .object {
            page.models = try ModelListCodec.models(
                root[GeminiModelsWire.models], GeminiModelsWire.models, model)
        }
        if let next = root[GeminiModelsWire.nextPageToken]?.string, !next.isEmpty {
            page.next = Array(next.raw)
        }
        return page
    }

    private static func model(_ value: JSONValue) -> CatalogModel? {
        let name = value[GeminiModelsWire.name]?.string.map(GeminiProvider.bare)
        guard let id = ModelListCodec.id(name) else { return nil }
        return CatalogModel(
            id: id, owner: "\(GeminiModelsWire.owner)",
            displayName: ModelListCodec.text(value[GeminiModelsWire.displayName]),
            contextTokens: ModelListCodec.count(value[GeminiModelsWire.inputTokenLimit]),
            outputTokensMax: ModelListCodec.count(value[GeminiModelsWire.outputTokenLimit]))
    }
}
