import GatewayCodec
import GatewayDoors
import GatewayModel
import ReactorCore
import Testing

@Suite struct ModelsEncoderTests {
    private static let models = [
        CatalogModel(id: "gpt-4o", owner: "openai"),
        CatalogModel(
            id: "claude-x", owner: "anthropic", displayName: "Claude X",
            createdSeconds: 1_767_225_600, contextTokens: 200_000, outputTokensMax: 64_000),
        CatalogModel(id: "a/b"), CatalogModel(id: "secret"),
    ]

    private func encoded(
        _ shape: ModelsShape, _ query: ModelsQuery = ModelsQuery()
    ) throws(Failure) -> String {
        var buffer = ByteBuffer()
        try ModelsEncoder(shape, createdSeconds: 5).encode(Self.models, query, to: &buffer) {
            !($0 == "secret")
        }
        return buffer.string
    }

    private static let claude =
        #"{"type":"model","id":"claude-x","display_name":"Claude X","created_at":"2026-01-01T00:00:00Z","max_input_tokens":200000,"max_tokens":64000}"#

    private static func plain(_ id: String) -> String {
        #"{"type":"model","id":"\#(id)","display_name":"\#(id)","created_at":"1970-01-01T00:00:05Z"}"#
    }

    @Test func writesOpenAIs() throws {
        // A query is none of this dialect's.
        var query = ModelsQuery()
        query.limit = 1
        #expect(
            try encoded(.openAI, query)
                == #"{"object":"list","data":[{"id":"gpt-4o","object":"model","created":5,"owned_by":"openai"},{"id":"claude-x","object":"model","created":1767225600,"owned_by":"anthropic","display_name":"Claude X","context_length":200000,"max_completion_tokens":64000},{"id":"a/b","object":"model","created":5,"owned_by":""}]}"#
        )
    }

    @Test func writesAnthropics() throws {
        let all = [Self.plain("gpt-4o"), Self.claude, Self.plain("a/b")].joined(separator: ",")
        #expect(
            try encoded(.anthropic)
                == "{\"data\":[\(all)],\"has_more\":false,\"first_id\":\"gpt-4o\",\"last_id\":\"a/b\"}"
        )
    }

    @Test(
        arguments: [
            (1, nil, nil, ["gpt-4o"], true), (2, nil, nil, ["gpt-4o", "claude-x"], true),
            (3, nil, nil, ["gpt-4o", "claude-x", "a/b"], false),
            (1, "gpt-4o", nil, ["claude-x"], true), (1, "claude-x", nil, ["a/b"], false),
            (1, "a/b", nil, [], false), (1, nil, "a/b", ["claude-x"], true),
            (2, nil, "a/b", ["gpt-4o", "claude-x"], false), (2, nil, "gpt-4o", [], false),
        ] as [(Int, String?, String?, [String], Bool)])
    func pages(
        _ limit: Int, _ after: String?, _ before: String?, _ ids: [String], _ hasMore: Bool
    ) throws {
        var query = ModelsQuery()
        query.limit = limit
        query.afterID = after
        query.beforeID = before
        try encoded(.anthropic, query).withByteSlice { json in
            let tree = try JSONArena().read(json)
            let found = tree.root["data"]?.elements.compactMap { $0["id"]?.string?.string }
            #expect(found == ids)
            #expect(tree.root["has_more"]?.bool == hasMore)
            #expect(tree.root["first_id"]?.string?.string == ids.first)
            #expect(tree.root["last_id"]?.string?.string == ids.last)
        }
    }

    @Test func knowsNoSuchPlace() {
        // One that the key may not use is not there.
        for id in ["nobody", "secret"] {
            var query = ModelsQuery()
            query.afterID = id
            #expect { try encoded(.anthropic, query) } throws: {
                ($0 as? Failure)?.parameter == "after_id"
            }
        }
    }

    @Test func writesOne() {
        var buffer = ByteBuffer()
        ModelsEncoder(.anthropic, createdSeconds: 5).encode(Self.models[1], to: &buffer)
        #expect(buffer.string == Self.claude)
        buffer.removeAll()
        ModelsEncoder(.openAI, createdSeconds: 5).encode(Self.models[0], to: &buffer)
        #expect(
            buffer.string
                == #"{"id":"gpt-4o","object":"model","created":5,"owned_by":"openai"}"#)
    }
}
