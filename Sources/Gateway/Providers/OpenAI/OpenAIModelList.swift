// OpenAIModelList.swift — the list of models of any server that speaks OpenAI's dialects.
// Pure; borrows the tree. Imported by ModelListCodec.

import GatewayCodec
import GatewayModel
import GatewayWire
import ReactorCore

enum OpenAIModelList {
    static func appendTarget(to target: inout ByteBuffer) { target.append(ModelsWire.target) }

    static func read(_ root: JSONValue) throws(Failure) -> ModelListPage {
        var page = ModelListPage()
        // Some servers answer with the bare array.
        let list = root.kind == .array ? root : root[ModelsWire.data]
        page.models = try ModelListCodec.models(list, ModelsWire.data, model)
        return page
    }

    private static func model(_ value: JSONValue) -> CatalogModel? {
        guard let id = ModelListCodec.id(value[ModelsWire.id]?.string) else { return nil }
        let context =
            ModelListCodec.count(value[ModelsWire.contextLength])
            ?? ModelListCodec.count(value[ModelsWire.maxModelLength])
        return CatalogModel(
            id: id, owner: ModelListCodec.text(value[ModelsWire.ownedBy]),
            displayName: ModelListCodec.text(value[ModelsWire.displayName])
                ?? ModelListCodec.text(value[ModelsWire.name]),
            createdSeconds: ModelListCodec.count(value[ModelsWire.created]),
            contextTokens: context,
            outputTokensMax: ModelListCodec.count(value[ModelsWire.maxCompletionTokens]))
    }
}
