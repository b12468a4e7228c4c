// TokenReport.swift — what `gateway token` tells of one provider's token. Pure value; holds no token.

import GatewayCodec
import GatewayModel

/// A token's state.
package struct TokenReport: Equatable, Sendable {
    package enum State: String, Sendable {
        /// There is none.
        case none
        case valid
        case expired
    }

    package var provider: String
    package var state: State
    /// Seconds since it was made, and until it ends.
    package var age: Int?
    package var expiresIn: Int?
    /// Why no new one could be obtained.
    package var failure: String?

    /// - Parameter now: seconds since 1970.
    package init(provider: String, token: AccessToken?, now: Int, failure: String? = nil) {
        self.provider = provider
        self.failure = failure
        guard let token else {
            state = .none
            return
        }
        state = token.expiresAt > now ? .valid : .expired
        age = max(0, now - token.createdAt)
        expiresIn = token.expiresAt - now
    }

    package var text: String {
        var text = "\(provider): "
        switch state {
        case .none: text += "no token"
        case .valid:
            text +=
                "valid for \(UptimeText.text(seconds: expiresIn ?? 0)), "
                + "obtained \(UptimeText.text(seconds: age ?? 0)) ago"
        case .expired: text += "expired \(UptimeText.text(seconds: -(expiresIn ?? 0))) ago"
        }
        return failure.map { "\(text); \($0)" } ?? text
    }

    package func write(_ json: inout JSONWriter) {
        json.beginObject()
        json.field("provider", text: provider)
        json.field("state", text: state.rawValue)
        if let age { json.field("age_seconds", age) }
        if let expiresIn { json.field("expires_in_seconds", expiresIn) }
        if let failure { json.field("failure", text: failure) }
        json.endObject()
    }
}
