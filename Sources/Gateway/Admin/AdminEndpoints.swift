// AdminEndpoints.swift — the doors without an upstream: health, readiness, models, the root page.
// Reads the worker's state; changes nothing.

import GatewayCodec
import GatewayDoors
import GatewayExchange
import Reactor
import ReactorCore

/// Answers of one worker about itself.
package final class AdminEndpoints: AdminDoors {
    private unowned(unsafe) let worker: Worker
    private let version: String

    package init(worker: Worker, version: String) {
        self.worker = worker
        self.version = version
    }

    package func answer(
        _ door: Door, path: ByteSlice, admission: AdmissionView, into body: inout ByteBuffer
    ) -> (status: Int, contentType: StaticString) {
        let json: StaticString = "application/json; charset=utf-8"
        switch door {
        case .health:
            body.writeJSON { health(&$0) }
            return (200, json)
        case .healthz:
            body.append("{\"status\":\"ok\"}" as StaticString)
            return (200, json)
        case .readyz:
            if worker.isDraining {
                body.append("{\"status\":\"draining\"}" as StaticString)
                return (503, json)
            }
            body.append("{\"status\":\"ready\"}" as StaticString)
            return (200, json)
        case .models:
            body.writeJSON { models(&$0, admission) }
            return (200, json)
        case .model(let range):
            var id = ByteBuffer()
            guard DoorTable.decode(path[range], to: &id) else { return (404, json) }
            let name = id.string
            let found = worker.snapshot.models.first { model in
                model.id == name && model.id.withByteSlice { admission.allows($0) }
            }
            guard let found else { return (404, json) }
            body.writeJSON { write(found, &$0) }
            return (200, json)
        case .root:
            body.append(
                "<!doctype html><meta charset=\"utf-8\"><title>gateway</title><p>gateway is running."
                    as StaticString)
            return (200, "text/html; charset=utf-8")
        case .info, .metrics:
            return (404, json)
        case .answer, .countTokens, .options, .notFound, .methodNotAllowed:
            preconditionFailure("\(door) is not answered here")
        }
    }

    /// Seed row S1: status, whether the configuration is valid, and the pools.
    private func health(_ json: inout JSONWriter) {
        json.beginObject()
        json.field("status", text: worker.isDraining ? "draining" : "healthy")
        json.field("version", text: version)
        json.field("uptime_seconds", worker.loop.secondsSince1970 - worker.startSeconds)
        json.beginObject("configuration")
        // A configuration that is not valid does not start: what runs has been checked.
        json.field("valid", true)
        json.field("providers", worker.snapshot.upstreams.count)
        json.endObject()
        json.beginObject("requests")
        // Over all workers; the pool below is the answering worker's.
        let shared = worker.shared
        json.field("total", shared.sum { $0.requests })
        json.field("in_flight", shared.sum { $0.inFlight })
        json.field("succeeded", shared.sum { $0.byClass.success })
        json.field("client_errors", shared.sum { $0.byClass.client })
        json.field("server_errors", shared.sum { $0.byClass.server })
        json.field("cancelled", shared.sum { $0.cancelled })
        json.endObject()
        var sum = PoolCounters()
        for upstream in worker.snapshot.upstreams {
            guard case .network(let origin, _) = upstream.transport else { continue }
            sum.add(origin.counters)
        }
        json.beginObject("connection_pool")
        write(sum, &json)
        json.endObject()
        json.endObject()
    }

    private func write(_ counters: PoolCounters, _ json: inout JSONWriter) {
        json.field("connecting", counters.connecting)
        json.field("leased", counters.leased)
        json.field("idle", counters.idle)
        json.field("waiting", counters.waiting)
        json.field("created", counters.created)
        json.field("reused", counters.reused)
    }

    private func models(_ json: inout JSONWriter, _ admission: AdmissionView) {
        json.beginObject()
        json.field("object", text: "list")
        json.beginArray("data")
        for model in worker.snapshot.models where model.id.withByteSlice({ admission.allows($0) }) {
            write(model, &json)
        }
        json.endArray()
        json.endObject()
    }

    private func write(_ model: ListedModel, _ json: inout JSONWriter) {
        json.beginObject()
        json.field("id", text: model.id)
        json.field("object", text: "model")
        json.field("created", worker.startSeconds)
        json.field("owned_by", text: model.owner)
        json.endObject()
    }
}

extension PoolCounters {
    fileprivate mutating func add(_ other: PoolCounters) {
        connecting += other.connecting
        leased += other.leased
        idle += other.idle
        waiting += other.waiting
        created += other.created
        reused += other.reused
    }
}
