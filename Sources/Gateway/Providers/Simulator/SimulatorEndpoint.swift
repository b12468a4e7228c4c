// SimulatorEndpoint.swift — the routes of `gateway simulate`, and the answers that need no request.

import GatewayCodec
import ReactorCore

/// What a method and a path ask of the simulated service.
package enum SimulatorRoute {
    case post(SimulatorEndpoint)
    case models
    case model(ByteSlice)
    case health
    case wrongMethod(allow: StaticString)
    case unknown

    /// Routes work with and without `/v1`; a query is ignored.
    package init(method: ByteSlice, target: ByteSlice) {
        var path = target.firstIndex(of: UInt8(ascii: "?")).map { target.prefix($0) } ?? target
        if path.hasPrefix("/v1/") { path = path.dropFirst(3) }
        let isGet = method == "GET" || method == "HEAD"
        let route: SimulatorRoute
        if path == "/chat/completions" {
            route = .post(.chatCompletions)
        } else if path == "/completions" {
            route = .post(.completions)
        } else if path == "/embeddings" {
            route = .post(.embeddings)
        } else if path == "/models" {
            route = .models
        } else if path.hasPrefix("/models/"), path.count > 8 {
            route = .model(path.dropFirst(8))
        } else if path == "/health" {
            route = .health
        } else {
            self = .unknown
            return
        }
        if case .post = route {
            self = method == "POST" ? route : .wrongMethod(allow: "POST")
        } else {
            self = isGet ? route : .wrongMethod(allow: "GET, HEAD")
        }
    }
}

/// The list of models.
enum SimulatorModels {
    static func writeList(
        _ settings: borrowing SimulatorSettings, created: Int, into out: inout ByteBuffer
    ) {
        let models = settings.models
        out.writeJSON { json in
            json.beginObject()
            json.field("object", "list" as StaticString)
            json.beginArray("data")
            for name in models {
                writeModel(name, created: created, into: &json)
                for behavior in SimulatorBehavior.allCases {
                    writeModel("\(name)-\(behavior.rawValue)", created: created, into: &json)
                }
            }
            json.endArray()
            json.endObject()
        }
    }

    static func writeModel(_ name: String, created: Int, into json: inout JSONWriter) {
        json.beginObject()
        json.field("id", text: name)
        json.field("object", "model" as StaticString)
        json.field("created", created)
        json.field("owned_by", "simulator" as StaticString)
        json.endObject()
    }
}
