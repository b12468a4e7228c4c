// ProviderLog.swift — what becomes of providers' tokens and of their lists of models, as log lines; never
// the token.

import GatewayCodec
import GatewayExchange
import GatewayModel
import ReactorCore

enum ProviderLog {
    static func append(_ event: TokenEvent, of provider: String, to log: LogSink) {
        let isBad =
            switch event {
            case .obtained, .shared: false
            case .attemptFailed, .gaveUp, .rejected, .fileFailed: true
            }
        append(
            "token", isBad: isBad, of: provider, event.text(provider: provider), to: log)
    }

    /// A provider did not tell its models.
    static func append(_ failure: Failure, of provider: String, to log: LogSink) {
        append(
            "model_list", isBad: true, of: provider,
            "The models of '\(provider)' could not be listed. \(failure.message)", to: log)
    }

    private static func append(
        _ event: String, isBad: Bool, of provider: String, _ message: String, to log: LogSink
    ) {
        log.append { line in
            line.writeJSON { json in
                json.beginObject()
                json.field("level", text: isBad ? "warning" : "info")
                json.field("event", text: event)
                json.field("provider", text: provider)
                json.field("message", text: message)
                json.endObject()
            }
            line.append(ASCII.lf)
        }
    }
}
