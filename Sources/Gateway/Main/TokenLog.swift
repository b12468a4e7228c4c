// TokenLog.swift — what becomes of providers' tokens, as log lines; never the token.

import GatewayCodec
import GatewayExchange
import ReactorCore

enum TokenLog {
    static func append(_ event: TokenEvent, of provider: String, to log: LogSink) {
        let isBad =
            switch event {
            case .obtained, .shared: false
            case .attemptFailed, .gaveUp, .rejected, .fileFailed: true
            }
        log.append { line in
            line.writeJSON { json in
                json.beginObject()
                json.field("level", text: isBad ? "warning" : "info")
                json.field("event", text: "token")
                json.field("provider", text: provider)
                json.field("message", text: event.text(provider: provider))
                json.endObject()
            }
            line.append(ASCII.lf)
        }
    }
}
