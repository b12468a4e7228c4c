// AnswerCheck.swift — what must hold of everything that is read of a provider in one piece, for any
// bytes: whole answers, errors, lists of models, vectors, tokens. The first byte chooses the decoder, a
// second one the status of an error; the rest is the body.
// Called by the fuzz target with made-up bytes and by the tests with the corpus.

import GatewayCodec
import GatewayModel
import GatewayProviders
import ReactorCore

/// Checks of decoders; each answers what is wrong, or nil.
package enum AnswerCheck {
    private static let codecs: [AnswerCodec] = [
        .chat, .messages(isAnswerInTool: false), .messages(isAnswerInTool: true), .gemini,
        .salesforce,
    ]
    private static let lists: [ModelListCodec] = [.openAI, .anthropic, .gemini, .vertex]
    private static let vectors: [EmbeddingCodec] = [.openAI, .gemini, .vertex, .salesforce]
    private static let statuses = [
        400, 401, 402, 403, 404, 408, 409, 413, 422, 429, 500, 501, 502, 503, 504, 529, 302, 599,
    ]
    /// What no message may repeat.
    private static let secret = "sk-SECRET-0123456789abcdef"

    package static func run(_ bytes: [UInt8]) -> String? {
        guard let first = bytes.first else { return nil }
        var place = Int(first) % (2 * codecs.count + lists.count + vectors.count + 3)
        let rest = Array(bytes.dropFirst())
        func take(_ count: Int) -> Bool {
            if place < count { return true }
            place -= count
            return false
        }
        if take(codecs.count) { return answer(rest, codecs[place]) }
        if take(codecs.count) { return failure(rest, codecs[place]) }
        if take(lists.count) { return list(rest, lists[place]) }
        if take(vectors.count) { return vectors(rest, vectors[place]) }
        return token(rest, place)
    }

    private static var context: ProviderContext {
        ProviderContext(
            model: .empty, arena: JSONArena(), ids: IDSource(seed: 1),
            signatures: ThoughtSignatures(countMax: 4, bytesMax: 256))
    }

    /// Events in order, with one end; and the same again.
    private static func answer(_ bytes: [UInt8], _ codec: AnswerCodec) -> String? {
        func read() -> (said: [UInt8], complaint: String?) {
            var order = EventOrder()
            var response = ModelResponse()
            var complaint: String?
            bytes.withUnsafeBytes { raw in
                codec.decode(ByteSlice(raw), context) { event in
                    if let violation = order.check(event) {
                        complaint = complaint ?? "\(violation) at \(event)"
                    }
                    if complaint == nil { response.add(event) }
                }
            }
            if complaint == nil, !order.isOver { complaint = "no end" }
            return (response.said, complaint)
        }
        let first = read()
        if let complaint = first.complaint { return complaint }
        return read().said == first.said ? nil : "not the same twice"
    }

    /// A failure in bounded words, without the key, that is not the caller's but where the upstream
    /// refused the request.
    private static func failure(_ bytes: [UInt8], _ codec: AnswerCodec) -> String? {
        guard let second = bytes.first else { return nil }
        let status = statuses[Int(second) % statuses.count]
        let failure = bytes.dropFirst().withUnsafeBytes {
            codec.failure(
                status: status, body: ByteSlice($0), retryAfter: nil, secret: Secret(secret))
        }
        let words = [failure.message, failure.reportedType ?? "", failure.reportedCode ?? ""]
        if words.contains(where: { $0.contains(secret) }) { return "the key is told" }
        if failure.message.utf8.count > 4096 { return "a long message" }
        if words[1].utf8.count > 64 || words[2].utf8.count > 64 { return "a long word" }
        if failure.fault == .caller, failure.kind != .upstreamRefusal {
            return "the caller's fault"
        }
        return failure.message.isEmpty ? "without a word" : nil
    }

    private static func list(_ bytes: [UInt8], _ codec: ModelListCodec) -> String? {
        bytes.withUnsafeBytes { raw in
            let page: ModelListPage
            do throws(Failure) { page = try codec.decode(ByteSlice(raw), arena: JSONArena()) } catch
            {
                return error.fault == .upstream ? nil : "\(error.kind)"
            }
            if page.models.contains(where: { $0.id.isEmpty || $0.id.utf8.count > 256 }) {
                return "a name that is none"
            }
            return page.next?.isEmpty ?? false ? "an empty cursor" : nil
        }
    }

    /// As many vectors as inputs, of finite numbers.
    private static func vectors(_ bytes: [UInt8], _ codec: EmbeddingCodec) -> String? {
        bytes.withUnsafeBytes { raw in
            for count in 1...2 {
                do throws(Failure) {
                    let response = try codec.decode(ByteSlice(raw), inputCount: count, context)
                    if response.vectors.count != count { return "not a vector for each" }
                    if response.vectors.contains(where: { $0.contains { !$0.isFinite } }) {
                        return "a number that is none"
                    }
                } catch {
                    if error.fault != .upstream { return "\(error.kind)" }
                }
            }
            return nil
        }
    }

    /// A token that lives, or a failure without the secret.
    private static func token(_ bytes: [UInt8], _ place: Int) -> String? {
        guard let second = bytes.first else { return nil }
        let status = second < 200 ? 200 : statuses[Int(second) % statuses.count]
        let now = 1_767_225_600
        let site = TokenEndpoint(usesTLS: true, host: "login.test", port: 443, path: "")
        var grant: TokenGrant =
            switch place {
            case 0:
                .salesforce(
                    SalesforceGrant(
                        instance: site, clientID: "id", proof: .clientSecret(Secret(secret))))
            case 1: .google(GoogleGrant())
            default: .sambaNova(SambaNovaLogin(email: "e", password: Secret(secret)))
            }
        let random = [UInt8](repeating: 7, count: TokenGrant.randomBytesCount)
        _ = random.withUnsafeBytes { grant.begin(now: now, random: ByteSlice($0)) }
        let step = bytes.dropFirst().withUnsafeBytes {
            grant.answered(
                status: status, fields: TokenFields(),
                body: ByteSlice($0).prefix(min($0.count, TokenGrant.bodyBytesMax)), now: now)
        }
        // The metadata server is sent no secret, and has none to repeat.
        let hasSecret = place != 1
        switch step {
        case .send(let request): return "\(request)".contains(secret) ? "the secret is told" : nil
        case .done(let token):
            return token.createdAt < token.expiresAt ? nil : "a token that never lived"
        case .failed(let failure):
            return hasSecret && failure.reason.contains(secret) ? "the secret is told" : nil
        }
    }
}
