// SalesforceErrorDecoder.swift — an answer of Salesforce's with a status of failure, as a Failure.
// Pure. Named in Catalog. Invariant: no message is taken from anything but JSON, and it is bounded.

import GatewayCodec
import GatewayModel
import GatewayWire
import ReactorCore

enum SalesforceErrorDecoder {
    static let bodyBytesMax = 64 << 10
    static let messageBytesMax = 2048

    static func decode(
        status: Int, body: ByteSlice, retryAfter: ByteSlice?, secret: Secret?
    ) -> Failure {
        var failure = UpstreamStatus.failure(status, retryAfter: retryAfter)
        guard failure.kind == .upstreamRefusal else { return failure }
        // A 404 may as well mean an org that is not entitled, or a token without a scope.
        let body = body.prefix(min(body.count, bodyBytesMax))
        if let message = message(inBody: body) { failure.message = message }
        return secret.map { SecretEraser.erase($0, from: failure) } ?? failure
    }

    private static func message(inBody body: ByteSlice) -> String? {
        do throws(JSONFailure) {
            let tree = try JSONArena().read(body)
            let root = tree.root.kind == .array ? tree.root.firstElement : tree.root
            guard let root, root.kind == .object else { return nil }
            return message(in: root)
        } catch { return nil }
    }

    /// The sentence of an error object, in whichever of its known shapes.
    static func message(in root: JSONValue) -> String {
        let inner = root[SalesforceWire.error]
        for place in [
            root[SalesforceWire.message], inner?[SalesforceWire.message], inner,
            root[SalesforceWire.errorCode], root[SalesforceWire.messageCode],
        ] {
            guard let text = place?.string, !text.isEmpty else { continue }
            return bounded(text)
        }
        return "Salesforce reported an error without a reason."
    }

    private static func bounded(_ text: ByteSlice) -> String {
        guard text.count > messageBytesMax else { return text.string }
        var end = messageBytesMax
        while end > 0, text[end] & 0xC0 == 0x80 { end -= 1 }
        return text.prefix(end).string
    }
}

extension JSONValue {
    fileprivate var firstElement: JSONValue? {
        var elements = self.elements
        return elements.next()
    }
}
