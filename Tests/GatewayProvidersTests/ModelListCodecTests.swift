import GatewayCodec
import GatewayModel
import GatewayProviders
import ReactorCore
import TestSupport
import Testing

@Suite struct ModelListCodecTests {
    private static let codecs: [(String, ModelListCodec)] = [
        ("openai", .openAI), ("anthropic", .anthropic), ("gemini", .gemini),
        ("vertex", .vertex),
    ]

    private func told(_ codec: ModelListCodec, _ body: ByteSlice) -> String {
        do throws(Failure) {
            let page = try codec.decode(body, arena: JSONArena())
            var lines = page.models.map { model in
                var line = model.id.debugDescription
                if let owner = model.owner { line += " owner=\(owner.debugDescription)" }
                if let name = model.displayName { line += " name=\(name.debugDescription)" }
                if let created = model.createdSeconds { line += " created=\(created)" }
                if let tokens = model.contextTokens { line += " context=\(tokens)" }
                if let tokens = model.outputTokensMax { line += " output=\(tokens)" }
                return line
            }
            if let next = page.next {
                lines.append("next \(String(decoding: next, as: UTF8.self))")
            }
            return lines.joined(separator: "\n")
        } catch { return "failed \(error.kind) \(error.message)" }
    }

    @Test func readsAsTheGoldenFilesSay() throws {
        let files = GoldenFile.all(in: "models", "list-")
        #expect(files.count >= 6)
        for file in files {
            let word = try #require(file.block("text codec"))
            let codec = try #require(Self.codecs.first { $0.0 == word }).1
            let answer = try #require(file.block("json answer"))
            let found = answer.withByteSlice { told(codec, $0) }
            #expect(file.complaint("text models", found: found) == nil)
        }
    }

    @Test func asksPageByPage() {
        var found: [String] = []
        for (_, codec) in Self.codecs {
            for cursor in ["", "a&b=1"] {
                var target = ByteBuffer()
                cursor.withByteSlice { codec.appendTarget(cursor: $0, to: &target) }
                found.append(target.string)
            }
        }
        #expect(
            found == [
                "/models", "/models", "/v1/models?limit=1000",
                "/v1/models?limit=1000&after_id=a%26b%3D1", "/models?pageSize=1000",
                "/models?pageSize=1000&pageToken=a%26b%3D1",
                "/publishers/google/models?pageSize=1000&listAllVersions=true",
                "/publishers/google/models?pageSize=1000&listAllVersions=true",
            ])
        var fields = ByteBuffer()
        ModelListCodec.anthropic.appendFields(to: &fields)
        #expect(fields.string == "anthropic-version: 2023-06-01\r\n")
    }

    /// Publisher by publisher: its cursors say whose page they are of.
    @Test func vertexGoesFromPublisherToPublisher() throws {
        func target(_ cursor: String) -> String {
            var target = ByteBuffer()
            cursor.withByteSlice { ModelListCodec.vertex.appendTarget(cursor: $0, to: &target) }
            return target.string
        }
        func page(_ body: String, behind cursor: String) throws -> ModelListPage {
            try body.withByteSlice { body in
                try cursor.withByteSlice { cursor in
                    try ModelListCodec.vertex.decode(body, cursor: cursor, arena: JSONArena())
                }
            }
        }
        let query = "/models?pageSize=1000&listAllVersions=true"
        let first = try page(
            #"{"publisherModels":[{"name":"publishers/google/models/gemini-x"}],"nextPageToken":"a/b="}"#,
            behind: "")
        #expect(first.models.map(\.id) == ["gemini-x"])
        let second = String(decoding: first.next ?? [], as: UTF8.self)
        #expect(target(second) == "/publishers/google\(query)&pageToken=a%2Fb%3D")
        let empty = try page("{}", behind: second)
        #expect(empty.models.isEmpty)
        let third = String(decoding: empty.next ?? [], as: UTF8.self)
        #expect(target(third) == "/publishers/anthropic\(query)")
        let last = try page(
            #"{"publisherModels":[{"name":"publishers/anthropic/models/claude-x"},{"name":"gemini-y"},{"name":""},{}]}"#,
            behind: third)
        #expect(last.models.map(\.id) == ["claude-x"])
        #expect(last.models.first?.owner == "anthropic")
        #expect(last.next == nil)
        // The first publisher must answer; one behind it need not.
        for (cursor, isEnd) in [("", false), (second, false), (third, true)] {
            #expect(
                cursor.withByteSlice { ModelListCodec.vertex.endsList(status: 404, cursor: $0) }
                    == isEnd)
            #expect(
                !cursor.withByteSlice { ModelListCodec.vertex.endsList(status: 500, cursor: $0) })
        }
        #expect(
            !third.withByteSlice { ModelListCodec.gemini.endsList(status: 404, cursor: $0) })
    }

    @Test func survivesAnyBytes() throws {
        let corpus = GoldenFile.all(in: "models", "list-").compactMap {
            $0.block("json answer").map { Array($0.utf8) }
        }
        #expect(!corpus.isEmpty)
        var random = SeededRandom(seed: 5)
        let arena = JSONArena()
        for _ in 0..<3000 {
            let bytes = FuzzMutation.mutated(corpus, using: &random)
            for (_, codec) in Self.codecs {
                bytes.withUnsafeBytes {
                    guard let page = try? codec.decode(ByteSlice($0), arena: arena) else { return }
                    for model in page.models {
                        #expect(!model.id.isEmpty)
                        #expect(model.id.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F })
                    }
                    #expect(page.next?.isEmpty != true)
                }
            }
        }
    }

    @Test func isBounded() throws {
        let one = #"{"id":"m"},"#
        let many = "{\"data\":[" + String(repeating: one, count: 10_001) + #"{"id":"n"}]}"#
        let page = try many.withByteSlice { (body) throws(Failure) in
            try ModelListCodec.openAI.decode(body, arena: JSONArena())
        }
        #expect(page.models.count == ModelListCodec.modelCountMax)
        let cursor = String(repeating: "c", count: ModelListCodec.cursorBytesMax + 1)
        let long = "{\"models\":[],\"nextPageToken\":\"\(cursor)\"}"
        #expect(long.withByteSlice { told(.gemini, $0) }.contains("cursor is too long"))
        let name = String(repeating: "n", count: CatalogModel.idBytesMax + 1)
        #expect("{\"data\":[{\"id\":\"\(name)\"}]}".withByteSlice { told(.openAI, $0) } == "")
        let space = String(repeating: " ", count: ModelListCodec.bodyBytesMax) + "{}"
        #expect(space.withByteSlice { told(.openAI, $0) }.contains("too long"))
    }

    @Test(
        arguments: [
            ("2026-01-01T00:00:00Z", 1_767_225_600), ("1970-01-01T00:00:00Z", 0),
            ("2024-02-29T23:59:59.123456Z", 1_709_251_199),
            ("2000-03-01t00:00:00+00:00", 951_868_800),
            ("2026-01-01T00:00:00+01:00", nil), ("2026-13-01T00:00:00Z", nil),
            ("2026-01-01T00:00:00", nil), ("2026-01-01 00:00:00Z", nil),
            ("20260101T000000Z....", nil),
            ("2026-01-01T24:00:00Z", nil), ("-026-01-01T00:00:00Z", nil), ("", nil),
        ] as [(String, Int?)])
    func readsTimes(_ text: String, _ seconds: Int?) throws {
        let body = "{\"data\":[{\"id\":\"m\",\"created_at\":\"\(text)\"}]}"
        let page = try body.withByteSlice { (body) throws(Failure) in
            try ModelListCodec.anthropic.decode(body, arena: JSONArena())
        }
        #expect(page.models.map(\.createdSeconds) == [seconds])
    }

    @Test func knowsWhoLists() {
        #expect(Provider.openAI(OpenAIProvider()).modelList == .openAI)
        #expect(Provider.anthropic(AnthropicProvider()).modelList == .anthropic)
        #expect(Provider.anthropic(AnthropicProvider(flavour: .vertex)).modelList == nil)
        #expect(Provider.gemini(GeminiProvider()).modelList == .gemini)
        #expect(Provider.vertex(VertexProvider(project: "p")).modelList == .vertex)
        #expect(Provider.salesforce(SalesforceProvider()).modelList == nil)
        let web = SambaNovaWebProvider(fingerprint: "f", target: "/api/completion")
        #expect(Provider.sambaNovaWeb(web).modelList == .openAI)
    }
}
