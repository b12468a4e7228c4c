// ModelListFile.swift — what a provider last listed, in a file that all workers share, so that one of
// them asks for all. Imported by ModelListFetch; made by Config.

import GatewayCodec
import GatewayModel
import GatewayWire
import ReactorCore

/// What is known of a provider's list, by the wall clock.
package struct KeptModelList: Equatable, Sendable {
    /// Nil: it has told none yet.
    package var models: [CatalogModel]?
    /// When it told them, in seconds since 1970.
    package var fetchedAt = 0
    /// When it last failed behind that; nil: it has not.
    package var failedAt: Int?

    package init(models: [CatalogModel]? = nil, fetchedAt: Int = 0, failedAt: Int? = nil) {
        self.models = models
        self.fetchedAt = fetchedAt
        self.failedAt = failedAt
    }
}

/// One provider's file.
package final class ModelListFile {
    /// Bytes of a file that is read or written: a longer list is not shared.
    package static let bytesMax = 4 << 20

    private typealias Wire = ModelListFileWire

    private let directory: String
    private let file: SharedFile
    private let identity: String

    /// - Parameters:
    ///   - directory: made when it is first needed.
    ///   - provider: its name.
    ///   - identity: who is asked, as whom; the file's content is ignored if it is another's.
    package init(directory: String, provider: String, identity: SHA256Digest) {
        self.directory = directory
        self.identity = identity.description
        file = SharedFile(
            path: "\(directory)/\(provider)\(ModelListFileWire.suffix)", bytesMax: Self.bytesMax)
    }

    package var isLocked: Bool { file.isLocked }

    package func lock() -> SharedFile.LockOutcome {
        do throws(StateDirectoryFailure) { try StateDirectory.prepare(directory) } catch {
            return .unavailable(error.description)
        }
        return file.lock()
    }

    package func unlock() { file.unlock() }

    /// What is in the file; nil if there is none, it is another's, or it is not as we write it.
    package func read() -> KeptModelList? { file.read(decode) }

    private func decode(_ bytes: ByteSlice) -> KeptModelList? {
        guard let tree = try? JSONArena().read(bytes, depthMax: 8),
            let owner = tree.root[Wire.identity]?.string,
            identity.withByteSlice({ $0 == owner })
        else { return nil }
        var kept = KeptModelList()
        kept.failedAt = Self.seconds(tree.root[Wire.failedAt])
        if let list = tree.root[Wire.models], list.kind == .array {
            guard let fetchedAt = Self.seconds(tree.root[Wire.fetchedAt]) else { return nil }
            kept.fetchedAt = fetchedAt
            kept.models = list.elements.compactMap(Self.model)
        }
        return kept
    }

    /// No arithmetic with it can overflow.
    private static func seconds(_ value: JSONValue?) -> Int? {
        value?.int.flatMap { (0...1 << 40).contains($0) ? $0 : nil }
    }

    private static func model(_ value: JSONValue) -> CatalogModel? {
        guard let id = value[Wire.id]?.string, !id.isEmpty else { return nil }
        return CatalogModel(
            id: id.string, owner: value[Wire.owner]?.string?.string,
            displayName: value[Wire.displayName]?.string?.string,
            createdSeconds: value[Wire.created]?.int,
            contextTokens: value[Wire.contextTokens]?.int,
            outputTokensMax: value[Wire.outputTokensMax]?.int)
    }

    /// Replaces the file. The lock must be held. Returns why not, if it cannot.
    package func write(_ kept: KeptModelList) -> String? {
        precondition(isLocked, "a list's file was written without its lock")
        var json = ByteBuffer()
        json.writeJSON { json in
            json.beginObject()
            json.field(Wire.identity, text: identity)
            if let failedAt = kept.failedAt { json.field(Wire.failedAt, failedAt) }
            if let models = kept.models {
                json.field(Wire.fetchedAt, kept.fetchedAt)
                json.beginArray(Wire.models)
                for model in models { Self.write(model, to: &json) }
                json.endArray()
            }
            json.endObject()
        }
        json.append(ASCII.lf)
        guard json.count <= Self.bytesMax else { return "the list is too long" }
        return file.writeAside(json.slice) ?? file.publish()
    }

    private static func write(_ model: CatalogModel, to json: inout JSONWriter) {
        json.beginObject()
        json.field(Wire.id, text: model.id)
        if let owner = model.owner { json.field(Wire.owner, text: owner) }
        if let name = model.displayName { json.field(Wire.displayName, text: name) }
        if let created = model.createdSeconds { json.field(Wire.created, created) }
        if let tokens = model.contextTokens { json.field(Wire.contextTokens, tokens) }
        if let tokens = model.outputTokensMax { json.field(Wire.outputTokensMax, tokens) }
        json.endObject()
    }
}
