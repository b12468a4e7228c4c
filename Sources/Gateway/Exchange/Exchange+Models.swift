// Exchange+Models.swift — the list of models, and one model: those that the caller's key may use, in
// OpenAI's words or Anthropic's.

import GatewayDoors
import GatewayModel
import GatewayPolicy
import Reactor
import ReactorCore

extension Exchange: ModelCatalogWaiter {
    /// Answers at once, or when providers that were never asked have told what they have.
    func tellModels() {
        if let models = snapshot.catalog.models(for: self, on: worker.loop) { answer(with: models) }
    }

    package func modelsArrived() {
        guard machine.isActive else { return }
        answer(with: snapshot.catalog.models)
    }

    private func answer(with models: [CatalogModel]) {
        var body = worker.loop.takeBuffer()
        defer { worker.loop.giveBuffer(&body) }
        do throws(Failure) { try write(models, to: &body) } catch { return fail(error) }
        status = 200
        client?.beginResponse(status: 200, body: .length(body.count)) { fields in
            fields.append(Self.jsonFields)
            appendCommonFields(to: &fields)
        }
        client?.writeBody(body.slice)
        client?.endResponse()
        settle("ok")
    }

    private func write(
        _ models: [CatalogModel], to body: inout ByteBuffer
    ) throws(Failure) {
        let isAllowed = { [snapshot, admission] in snapshot.keys.allows(admission, model: $0) }
        switch door {
        case .models(let shape):
            let page = shape == .anthropic ? try ModelsQuery.read(path: query.slice) : ModelsQuery()
            try ModelsEncoder(shape, createdSeconds: worker.startSeconds).encode(
                models, page, to: &body, where: isAllowed)
        case .model(let range, let shape):
            var name = ByteBuffer()
            let isWhole = DoorTable.decode(path.slice[range], to: &name)
            let id = name.string
            let found = models.first { $0.id == id && $0.id.withByteSlice(isAllowed) }
            guard isWhole, let found else {
                throw Failure(
                    .unknownModel,
                    "The model `\(path.slice[range].string)` does not exist or you do not have access "
                        + "to it.", parameter: "model")
            }
            ModelsEncoder(shape, createdSeconds: worker.startSeconds).encode(found, to: &body)
        default: preconditionFailure("\(door) tells no models")
        }
    }
}
