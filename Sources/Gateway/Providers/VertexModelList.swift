// VertexModelList.swift — Vertex AI's list of models: those of the publishers whose models it serves
// without a deployment, as far as they can be asked here. (publishers.models.list of its version
// v1beta1: the stable one has no such method.)
// Pure; borrows the tree. Imported by ModelListCodec.

import GatewayCodec
import GatewayModel
import GatewayWire
import ReactorCore

enum VertexModelList {
    /// A publisher, and how the names of its models begin that are asked for by their name alone.
    private struct Publisher {
        var name: StaticString
        var prefixes: [StaticString]
    }

    private static let publishers = [
        Publisher(
            name: "google",
            prefixes: ["gemini-", "text-embedding-", "text-multilingual-embedding-"]),
        Publisher(name: "anthropic", prefixes: ["claude-"]),
    ]

    /// A cursor is the publisher's name, a slash, and the cursor that its last page told.
    private static func place(
        of cursor: ByteSlice
    ) -> (index: Int, token: ByteSlice) {
        guard let slash = cursor.firstIndex(of: UInt8(ascii: "/")) else { return (0, .empty) }
        let name = cursor.prefix(slash)
        let index = publishers.firstIndex { name == $0.name } ?? 0
        return (index, cursor.dropFirst(slash + 1))
    }

    static func appendTarget(cursor: ByteSlice, to target: inout ByteBuffer) {
        let (index, token) = place(of: cursor)
        target.append(GeminiWire.publishers)
        target.append(publishers[index].name)
        target.append(VertexModelsWire.target)
        guard !token.isEmpty else { return }
        target.append(GeminiModelsWire.pageTokenQuery)
        target.append(pathSegment: token)
    }

    /// A publisher behind the first that is not there, or not for us, takes nothing from the rest.
    static func endsList(status: Int, cursor: ByteSlice) -> Bool {
        (status == 403 || status == 404) && place(of: cursor).index > 0
    }

    static func read(_ root: JSONValue, cursor: ByteSlice) throws(Failure) -> ModelListPage {
        if let error = root[GeminiErrorWire.error], !error.isNull {
            throw GeminiErrorDecoder.failure(inAnswer: error)
        }
        let index = place(of: cursor).index
        let publisher = publishers[index]
        var page = ModelListPage()
        // An empty page has no list.
        if root[VertexModelsWire.models] != nil || root.kind != .object {
            var seen: Set<String> = []
            page.models = try ModelListCodec.models(
                root[VertexModelsWire.models], VertexModelsWire.models
            ) { model($0, of: publisher) }.filter { seen.insert($0.id).inserted }
        }
        var next = ByteBuffer()
        if let token = root[GeminiModelsWire.nextPageToken]?.string, !token.isEmpty {
            next.append(publisher.name)
            next.append(UInt8(ascii: "/"))
            next.append(token)
        } else if index + 1 < publishers.count {
            next.append(publishers[index + 1].name)
            next.append(UInt8(ascii: "/"))
        }
        if !next.isEmpty { page.next = next.array }
        return page
    }

    /// `publishers/P/models/M`, once for each version of it.
    private static func model(_ value: JSONValue, of publisher: Publisher) -> CatalogModel? {
        guard var name = value[GeminiModelsWire.name]?.string else { return nil }
        while let slash = name.firstIndex(of: UInt8(ascii: "/")) {
            name = name.dropFirst(slash + 1)
        }
        guard publisher.prefixes.contains(where: name.hasPrefix), let id = ModelListCodec.id(name)
        else { return nil }
        return CatalogModel(id: id, owner: "\(publisher.name)")
    }
}
