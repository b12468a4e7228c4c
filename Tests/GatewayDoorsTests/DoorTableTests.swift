import GatewayDoors
import ReactorCore
import Testing

@Suite struct DoorTableTests {
    @Test(
        arguments: [
            ("POST", "/v1/chat/completions", .answer(.chat)),
            ("POST", "/chat/completions", .answer(.chat)),
            ("POST", "/v1/chat/completions/", .answer(.chat)),
            ("POST", "/v1/v1/chat/completions", .answer(.chat)),
            ("POST", "/v1/chat/completions?api-version=1&x=/models", .answer(.chat)),
            ("POST", "/v1/v1/v1/chat/completions", .notFound),
            ("POST", "/v1x/chat/completions", .notFound),
            ("POST", "/v1/Chat/completions", .notFound),
            ("POST", "/v1/chat/completions//", .notFound),
            ("POST", "//chat/completions", .notFound),
            ("POST", "/v1//chat/completions", .notFound),
            ("POST", "/x?/v1/chat/completions", .notFound),
            ("POST", "/v1/messages?beta=true", .answer(.messages)),
            ("POST", "/messages/", .answer(.messages)),
            ("POST", "/v1/responses", .answer(.responses)),
            ("GET", "/v1/responses/resp_1", .notFound),
            ("POST", "/v1/messages/count_tokens", .countTokens),
            ("GET", "/v1/messages", .methodNotAllowed(allow: "POST, OPTIONS")),
            ("POST", "/v1/messages/batches", .notFound),
            ("POST", "/v1/completions", .answer(.completions)),
            ("POST", "/completions/", .answer(.completions)),
            ("POST", "/v1/v1/completions", .answer(.completions)),
            ("POST", "/v1/embeddings", .embeddings), ("POST", "/embeddings", .embeddings),
            ("POST", "/v1/v1/embeddings?x", .embeddings),
            ("GET", "/v1/embeddings", .methodNotAllowed(allow: "POST, OPTIONS")),
            ("GET", "/v1/models", .models(.openAI)), ("HEAD", "/models/", .models(.openAI)),
            ("GET", "/v1/v1/models", .models(.openAI)),
            ("GET", "/v1/models/gpt-4o", .model(11..<17, .openAI)),
            ("GET", "/v1/v1/models/gpt-4o", .model(14..<20, .openAI)),
            ("GET", "/models/meta/llama%203/?x", .model(8..<22, .openAI)),
            ("GET", "/v1/models/v1/models/x", .model(11..<22, .openAI)),
            ("GET", "/health", .health), ("GET", "/healthz", .healthz),
            ("HEAD", "/readyz", .readyz),
            ("GET", "/v1/performance/metrics", .performance),
            ("GET", "/debug/token", .debugToken), ("GET", "/status/events", .statusEvents),
            ("POST", "/status/events", .methodNotAllowed(allow: "GET, HEAD, OPTIONS")),
            ("GET", "/info", .info), ("GET", "/metrics", .metrics), ("GET", "/", .root),
            ("GET", "/?a", .root), ("GET", "/v1", .notFound), ("GET", "/v1/", .notFound),
            ("GET", "", .notFound), ("GET", "*", .notFound), ("GET", "/nothing", .notFound),
            ("GET", "/v1/chat/completions", .methodNotAllowed(allow: "POST, OPTIONS")),
            ("post", "/v1/chat/completions", .methodNotAllowed(allow: "POST, OPTIONS")),
            ("DELETE", "/v1/models/a", .methodNotAllowed(allow: "GET, HEAD, OPTIONS")),
            ("OPTIONS", "/v1/chat/completions", .options(allow: "POST, OPTIONS")),
            ("OPTIONS", "/health", .options(allow: "GET, HEAD, OPTIONS")),
            ("OPTIONS", "/nothing", .notFound),
        ] as [(String, String, Door)])
    func leads(_ method: String, _ path: String, _ door: Door) {
        let found = method.withByteSlice { method in
            path.withByteSlice { DoorTable.door(method: method, path: $0) }
        }
        #expect(found == door)
    }

    /// Every path with the prefix left out, and with a base URL pasted twice.
    @Test(arguments: [
        "/chat/completions", "/completions", "/embeddings", "/messages", "/messages/count_tokens",
        "/responses", "/models", "/health", "/healthz", "/readyz", "/info", "/metrics",
        "/performance/metrics", "/debug/token", "/status/events",
    ])
    func thePrefixMakesNoDifference(_ path: String) {
        func door(_ path: String, _ method: StaticString) -> Door {
            path.withByteSlice { DoorTable.door(method: ByteSlice(method), path: $0) }
        }
        for method in ["GET", "POST"] as [StaticString] {
            let plain = door(path, method)
            #expect(plain != .notFound)
            for prefix in ["/v1", "/v1/v1"] {
                #expect(door(prefix + path, method) == plain, "\(prefix)\(path)")
                #expect(door(prefix + path + "/", method) == plain)
            }
            #expect(door("/v1/v1/v1" + path, method) == .notFound)
            #expect(door("/v2" + path, method) == .notFound)
        }
    }

    @Test func modelsAreToldInTheWordsThatAreAskedFor() {
        #expect(Door.models(.openAI).inAnthropicDialect == .models(.anthropic))
        #expect(Door.model(1..<2, .openAI).inAnthropicDialect == .model(1..<2, .anthropic))
        #expect(Door.answer(.chat).inAnthropicDialect == .answer(.chat))
        #expect(Door.models(.anthropic).speaksAnthropic)
        #expect(!Door.models(.openAI).speaksAnthropic)
        #expect(Door.models(.anthropic) != .models(.openAI))
        #expect(Door.model(1..<2, .anthropic) != .model(1..<2, .openAI))
    }

    @Test(arguments: [
        ("gpt-4o", "gpt-4o"), ("meta%2Fllama%203", "meta/llama 3"), ("%C3%a9", "é"), ("%", nil),
        ("a%2", nil), ("a%zz", nil),
    ])
    func decodesIDs(_ piece: String, _ plain: String?) {
        var buffer = ByteBuffer()
        let isWhole = piece.withByteSlice { DoorTable.decode($0, to: &buffer) }
        let text = buffer.string
        #expect((isWhole ? text : nil) == plain)
    }
}
