// RequestCheck.swift — what must hold of the decoders of requests, at every door, and of what providers'
// encoders make of them, for any bytes. The first byte chooses the door, the rest is the body.
// Called by the fuzz target with made-up bytes and by the tests with the corpus.

import GatewayCodec
import GatewayDoors
import GatewayModel
import GatewayProviders
import GatewayTools
import ReactorCore

/// Checks of requests; each answers what is wrong, or nil.
package enum RequestCheck {
    /// A request is refused as its caller's mistake, or reaches every provider as a JSON object.
    package static func run(_ bytes: [UInt8]) -> String? {
        guard let first = bytes.first else { return nil }
        return Array(bytes.dropFirst()).withUnsafeBytes { raw in
            let doors: [AnswerDoor] = [.chat, .messages, .responses, .completions]
            let place = Int(first) % (doors.count + 1)
            return place < doors.count
                ? answer(ByteSlice(raw), at: doors[place]) : embeddings(ByteSlice(raw))
        }
    }

    private static let rows: [(model: StaticString, provider: Provider)] = [
        ("gpt-4o", .openAI(OpenAIProvider())),
        ("llama", .openAI(OpenAIProvider(quirks: [.legacyMaxTokens, .systemForDeveloper]))),
        ("claude-3-5-sonnet", .anthropic(AnthropicProvider())),
        ("claude-opus-4-6", .anthropic(AnthropicProvider())),
        ("gemini-2.0-flash", .gemini(GeminiProvider())),
        ("gemini-3-pro", .gemini(GeminiProvider())),
        ("gemini-2.5-flash", .vertex(VertexProvider(project: "p"))),
        ("claude-sonnet-4-5", .vertex(VertexProvider(project: "p"))),
        ("sfdc_ai__DefaultGPT4Omni", .salesforce(SalesforceProvider())),
        ("sfdc_ai__DefaultGPT4Omni", .salesforce(gateway)),
        ("sfdc_ai__DefaultBedrockAnthropicClaude45Sonnet", .salesforce(gateway)),
        ("llama", .sambaNovaWeb(SambaNovaWebProvider(fingerprint: "f", target: "/api"))),
    ]

    private static var gateway: SalesforceProvider {
        var provider = SalesforceProvider()
        provider.surface = .llmGateway
        return provider
    }

    // MARK: Requests for answers

    private static func answer(_ body: ByteSlice, at door: AnswerDoor) -> String? {
        let scan: DoorScan
        do throws(Failure) { scan = try door.scan(body) } catch { return blame(error, "scan") }
        return complaint(of: scan, body) { (root) throws(Failure) in
            let request = try door.decode(root)
            for (model, provider) in rows {
                if let complaint = encode(request, door, ByteSlice(model), provider) {
                    return "\(model): \(complaint)"
                }
            }
            return nil
        }
    }

    /// What was scanned is JSON, can be spliced, and is decoded by `read` or refused.
    private static func complaint(
        of scan: DoorScan, _ body: ByteSlice,
        _ read: (_ root: JSONValue) throws(Failure) -> String?
    ) -> String? {
        if let tokens = scan.thinkingTokens, tokens < 0 { return "fewer thoughts than none" }
        var spliced = ByteBuffer()
        scan.splice(model: ByteSlice(other), addingUsage: true).append(body, to: &spliced)
        do throws(JSONFailure) {
            if try !isForOther(JSONArena().read(spliced.slice)) { return "no other model" }
            return complaint(of: try JSONArena().read(body), read)
        } catch {
            return "scanned, but \(error)"
        }
    }

    private static let other: StaticString = "another model"

    private static func isForOther(_ tree: borrowing JSONTree) -> Bool {
        tree.root["model"]?.string.map { $0 == other } ?? false
    }

    private static func complaint(
        of tree: borrowing JSONTree, _ read: (_ root: JSONValue) throws(Failure) -> String?
    ) -> String? {
        do throws(Failure) { return try read(tree.root) } catch { return blame(error, "decoder") }
    }

    /// As the exchange does it: tools of free text are functions.
    private static func encode(
        _ request: ModelRequest, _ door: AnswerDoor, _ model: ByteSlice, _ provider: Provider
    ) -> String? {
        guard FreeTextTools.has(request) else {
            return encodeTwice(request, door, model, provider)
        }
        var written = ByteBuffer()
        FreeTextTools.document(for: request, to: &written)
        do throws(JSONFailure) {
            return encode(request, with: try JSONArena().read(written.slice), door, model, provider)
        } catch {
            return "tools of free text are no JSON: \(error)"
        }
    }

    private static func encode(
        _ request: ModelRequest, with document: borrowing JSONTree, _ door: AnswerDoor,
        _ model: ByteSlice, _ provider: Provider
    ) -> String? {
        var request = request
        FreeTextTools.rewrite(&request, document.root)
        return encodeTwice(request, door, model, provider)
    }

    /// It is refused, or is an object and the same again.
    private static func encodeTwice(
        _ request: ModelRequest, _ door: AnswerDoor, _ model: ByteSlice, _ provider: Provider
    ) -> String? {
        let texts = ComposedText()
        defer { withExtendedLifetime(texts) {} }
        let settings = ModelSettings()
        do throws(Failure) {
            try ToolDefinitionCheck(door: door.dialect, target: provider.dialect(of: model))
                .check(request)
            var told = request
            if provider.isTextOnly(settings), TextTools.areNeeded(by: request) {
                told = try TextTools.fold(request, into: texts)
            }
            let first = try body(of: told, model, provider, settings)
            let second = try body(of: told, model, provider, settings)
            return first == second ? isObject(first) : "not the same twice"
        } catch {
            return blame(error, "encoder")
        }
    }

    private static func body(
        of request: ModelRequest, _ model: ByteSlice, _ provider: Provider,
        _ settings: ModelSettings
    ) throws(Failure) -> [UInt8] {
        var call = ProviderCall()
        try provider.encode(request, context(model, settings), into: &call)
        return Array(call.body.slice.raw)
    }

    // MARK: Requests for vectors

    private static func embeddings(_ body: ByteSlice) -> String? {
        let scan: DoorScan
        do throws(Failure) { scan = .embeddings(try EmbeddingRequestScan.scan(body)) } catch {
            return blame(error, "scan")
        }
        return complaint(of: scan, body) { (root) throws(Failure) in
            let request = try EmbeddingRequestDecoder.decode(root)
            for (model, provider) in rows {
                var call = ProviderCall()
                do throws(Failure) {
                    let context = context(ByteSlice(model), ModelSettings())
                    _ = try provider.encode(request, context, into: &call)
                } catch {
                    if let complaint = blame(error, "encoder") { return complaint }
                    continue
                }
                if let complaint = isObject(Array(call.body.slice.raw)) {
                    return "\(model): \(complaint)"
                }
            }
            return nil
        }
    }

    // MARK: What both have in common

    private static func context(_ model: ByteSlice, _ settings: ModelSettings) -> ProviderContext {
        ProviderContext(
            model: model, arena: JSONArena(), ids: IDSource(seed: 1),
            signatures: ThoughtSignatures(countMax: 4, bytesMax: 256), settings: settings)
    }

    /// Nobody but the caller is to blame for a request.
    private static func blame(_ failure: Failure, _ who: String) -> String? {
        failure.fault == .caller || failure.kind == .notImplemented
            ? nil : "the \(who) blames \(failure.kind)"
    }

    private static func isObject(_ bytes: [UInt8]) -> String? {
        bytes.withUnsafeBytes { raw in
            do throws(JSONFailure) {
                return try JSONScanner.validate(ByteSlice(raw)) == .object ? nil : "no object"
            } catch {
                return "no JSON: \(error)"
            }
        }
    }
}
