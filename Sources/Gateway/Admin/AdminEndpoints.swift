// AdminEndpoints.swift — the doors without an upstream: health, readiness, metrics, the status page.
// Reads the workers' state; changes nothing but the figures that this worker tells of itself.

import GatewayCodec
import GatewayDoors
import GatewayExchange
import GatewayTelemetry
import Reactor
import ReactorCore

/// Answers of one worker about all of them.
package final class AdminEndpoints: AdminDoors {
    private unowned(unsafe) let worker: Worker
    private let version: String
    private let feed: StatusFeed
    private let pageFields: String

    package init(worker: Worker, version: String) {
        self.worker = worker
        self.version = version
        feed = StatusFeed(worker: worker, version: version)
        pageFields = StatusPage.securityFields()
    }

    /// Begins to measure the loop, and to serve those who watch.
    package func start() { feed.start() }

    package func close() { feed.close() }

    /// Tells the other workers how this one stands. For the end: until then it is told each second.
    package func publish() { feed.publish() }

    /// Who sends records of requests on; nil where nobody does.
    package var exporters: Exporters? {
        get { feed.exporters }
        set { feed.exporters = newValue }
    }

    /// Whose clients are counted.
    package var clients: HTTPServer? {
        get { feed.clients }
        set { feed.clients = newValue }
    }

    /// The numbers of all workers at this moment.
    package func report() -> GatewayReport { feed.report() }

    package func watch(_ listener: any StatusListener) -> Bool { feed.add(listener) }

    package func unwatch(_ listener: any StatusListener) { feed.remove(listener) }

    package func answer(
        _ door: Door, path: ByteSlice, admission: AdmissionView, into body: inout ByteBuffer
    ) -> AdminAnswer {
        switch door {
        case .health:
            body.writeJSON { health(&$0) }
            return AdminAnswer(200)
        case .healthz:
            body.append("{\"status\":\"ok\"}" as StaticString)
            return AdminAnswer(200)
        case .readyz:
            if worker.isDraining {
                body.append("{\"status\":\"draining\"}" as StaticString)
                return AdminAnswer(503)
            }
            body.append("{\"status\":\"ready\"}" as StaticString)
            return AdminAnswer(200)
        case .root:
            StatusPage.append(to: &body)
            return AdminAnswer(200, "text/html; charset=utf-8", fields: pageFields)
        case .info:
            body.writeJSON { info(&$0) }
            return AdminAnswer(200)
        case .metrics:
            let format: PrometheusWriter.Format =
                admission.acceptsOpenMetrics ? .openMetrics : .text
            body.writePrometheus(format) {
                MetricsExposition.write(
                    feed.report(), worker.metrics,
                    aliases: worker.snapshot.observability.aliases, to: &$0)
            }
            return AdminAnswer(200, format.contentType)
        case .performance:
            body.writeJSON {
                StatusDocument.writePerformance(feed.report(), worker.metrics, to: &$0)
            }
            return AdminAnswer(200)
        case .debugToken:
            guard worker.snapshot.observability.showsTokens else { return AdminAnswer(404) }
            body.writeJSON { tokens(&$0) }
            return AdminAnswer(200)
        case .statusEvents:
            // Only what asks for its head comes here.
            return AdminAnswer(200, "text/event-stream; charset=utf-8")
        case .answer, .countTokens, .embeddings, .models, .model, .options, .notFound,
            .methodNotAllowed:
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
        let shared = worker.shared
        json.field("total", shared.sum { $0.requests })
        json.field("in_flight", shared.sum { $0.inFlight })
        json.field("succeeded", shared.sum { $0.byClass.success })
        json.field("client_errors", shared.sum { $0.byClass.client })
        json.field("server_errors", shared.sum { $0.byClass.server })
        json.field("cancelled", shared.sum { $0.cancelled })
        json.endObject()
        let report = feed.report()
        json.beginObject("connection_pool")
        StatusDocument.write(report.pool, &json)
        json.endObject()
        json.beginArray("breakers")
        for provider in report.providers where provider.breaker != nil {
            StatusDocument.write(provider, &json)
        }
        json.endArray()
        json.beginArray("tokens")
        for token in report.tokens {
            json.beginObject()
            json.field("provider", text: token.provider)
            json.field("state", token.state.name)
            json.field("usable", token.isUsable)
            json.endObject()
        }
        json.endArray()
        json.endObject()
    }

    /// Seed row N11.
    private func info(_ json: inout JSONWriter) {
        let tokens = feed.report().tokens
        let best = tokens.first { $0.isUsable } ?? tokens.first
        json.beginObject()
        json.field("status", text: worker.isDraining ? "draining" : "running")
        json.field("version", text: version)
        json.field("api_key_configured", worker.snapshot.keys.mode == .keys)
        json.field(
            "samba_credentials_configured",
            worker.snapshot.upstreams.contains { $0.provider.isSambaNovaWeb })
        json.field(
            "token_status",
            text: best.map { $0.isUsable ? "active" : "\($0.state.name)" } ?? "none")
        if let seconds = best?.expiresIn {
            json.field("token_expires_in", seconds)
        } else {
            json.null("token_expires_in")
        }
        json.endObject()
    }

    /// Seed row N13.
    private func tokens(_ json: inout JSONWriter) {
        json.beginObject()
        json.beginArray("tokens")
        for token in feed.report().tokens { StatusDocument.write(token, &json) }
        json.endArray()
        json.endObject()
    }
}
