// ModelsDoorTests.swift — the list of models and one model: whose, from where, and in whose words.

import GatewayExchange
import GatewayModel
import GatewayPolicy
import Reactor
import ReactorCore
import TestSupport
import Testing

@Suite struct ModelsDoorTests {
    private static func get(_ path: String, _ fields: String = "") -> String {
        "GET \(path) HTTP/1.1\r\nHost: localhost\r\n\(fields)\r\n"
    }

    /// A stage whose scripted provider `raw` alone lists, in `list`.
    private static func stage(
        _ configured: [String] = ["fast", "org/model \"x\""], list: [ScriptedUpstream.Answer] = [],
        _ change: (inout StageSettings) -> Void = { _ in }
    ) throws -> GatewayStage {
        var settings = StageSettings()
        settings.listed = configured
        settings.listing = list.isEmpty ? [] : ["raw"]
        change(&settings)
        let stage = try GatewayStage(settings)
        stage.upstream.answers = list
        return stage
    }

    private static func list(_ ids: String...) -> ScriptedUpstream.Answer {
        .body(#"{"data":[\#(ids.map { #"{"id":"\#($0)"}"# }.joined(separator: ","))]}"#)
    }

    private func ids(_ answer: Answer) -> [String] {
        (0..<50).map { answer.json("data", "\($0)", "id") }.prefix { $0 != nil }.compactMap { $0 }
    }

    @Test func configuredNamesAreListed() throws {
        let stage = try Self.stage()
        for path in ["/v1/models", "/models/", "/v1/v1/models?limit=1"] {
            let answer = try stage.ask(Self.get(path))
            #expect(answer.status == 200)
            #expect(answer.json("object") == "list")
            #expect(ids(answer) == ["fast", "org/model \"x\""])
            #expect(answer.json("data", "0", "object") == "model")
            #expect(answer.json("data", "0", "owned_by") == "sim")
            #expect(answer.json("data", "0", "created") == "\(stage.worker.startSeconds)")
            #expect(answer.fields["cache-control"]?.contains("no-store") == true)
        }
        let none = try Self.stage([])
        #expect(try none.ask(Self.get("/v1/models")).body == #"{"object":"list","data":[]}"#)
        none.finish()
        stage.finish()
    }

    @Test func oneModelIsFound() throws {
        let stage = try Self.stage()
        for path in ["org/model%20%22x%22", "org%2Fmodel%20%22x%22"] {
            let answer = try stage.ask(Self.get("/v1/models/\(path)"))
            #expect(answer.status == 200)
            #expect(answer.json("id") == "org/model \"x\"")
        }
        for path in ["none", "Fast", "fast%2", "fas"] {
            let answer = try stage.ask(Self.get("/v1/models/\(path)"))
            #expect(answer.status == 404)
            #expect(answer.json("error", "code") == "model_not_found")
        }
        stage.finish()
    }

    @Test func aKeySeesItsModelsAlone() throws {
        let stage = try Self.stage(list: [Self.list("gpt-a", "gpt-b")]) { settings in
            settings.keys = APIKeyTable(
                mode: .keys,
                entries: [
                    APIKeyTable.Entry(
                        principal: Principal(name: "k", models: ["fast", "raw/gpt-b"]),
                        hash: "secret".withByteSlice { SHA256Digest(of: $0) })
                ])
        }
        let key = "Authorization: Bearer secret\r\n"
        #expect(ids(try stage.ask(Self.get("/v1/models", key))) == ["fast", "raw/gpt-b"])
        #expect(try stage.ask(Self.get("/v1/models/raw/gpt-b", key)).status == 200)
        #expect(try stage.ask(Self.get("/v1/models/raw/gpt-a", key)).status == 404)
        #expect(try stage.ask(Self.get("/v1/models")).status == 401)
        stage.finish()
    }

    @Test func providersAreAskedOnceAndWithTheirOwnCredential() throws {
        let stage = try Self.stage(list: [Self.list("gpt-a", "claude-z")])
        let clients = (0..<3).map { _ in stage.connect() }
        for client in clients { client.send(Self.get("/v1/models")) }
        for client in clients {
            let answer = try stage.answer(to: client)
            #expect(ids(answer) == ["fast", "org/model \"x\"", "raw/gpt-a", "raw/claude-z"])
            #expect(answer.json("data", "2", "owned_by") == "raw")
            #expect(answer.json("data", "3", "owned_by") == "anthropic")
        }
        #expect(ids(try stage.ask(Self.get("/v1/models"))).count == 4)
        #expect(stage.upstream.heads.count == 1)
        let head = stage.upstream.heads[0].lowercased()
        #expect(head.hasPrefix("/v1/models\n"))
        #expect(head.contains("authorization: bearer upstream-key"))
        #expect(!head.contains("content-type"))
        stage.finish()
    }

    @Test func anOldListIsToldWhileANewOneIsFetched() throws {
        let stage = try Self.stage(list: [
            Self.list("a"), Self.list("b"), .init(status: 500, body: ""),
        ]) { $0.modelList.freshTime = .milliseconds(30) }
        #expect(ids(try stage.ask(Self.get("/v1/models"))).last == "raw/a")
        stage.pass(.milliseconds(40))
        #expect(ids(try stage.ask(Self.get("/v1/models"))).last == "raw/a")
        stage.wait("the second list") { stage.upstream.heads.count == 2 }
        stage.pass(.milliseconds(10))
        #expect(ids(try stage.ask(Self.get("/v1/models"))).last == "raw/b")
        stage.pass(.milliseconds(40))
        // What failed keeps its last list, and fails nobody.
        #expect(ids(try stage.ask(Self.get("/v1/models"))).last == "raw/b")
        stage.wait("the failure") { stage.listFailures.count == 1 }
        #expect(ids(try stage.ask(Self.get("/v1/models"))).last == "raw/b")
        #expect(stage.listFailures[0].hasPrefix("raw: "))
        #expect(stage.upstream.heads.count == 3)
        stage.finish()
    }

    @Test func nobodyWaitsLongForAFirstList() throws {
        let stage = try Self.stage(list: [.hanging]) { $0.modelList.firstWait = .milliseconds(30) }
        #expect(ids(try stage.ask(Self.get("/v1/models"))) == ["fast", "org/model \"x\""])
        // Who leaves meanwhile is forgotten.
        let client = stage.connect()
        client.send(Self.get("/v1/models"))
        stage.wait("the request") { stage.worker.counters.inFlight == 1 }
        client.close()
        stage.wait("its end") { stage.worker.counters.inFlight == 0 }
        stage.pass(.milliseconds(40))
        stage.finish()
    }

    @Test func aProviderThatFailsFailsNobody() throws {
        let stage = try Self.stage(list: [.body("<html>")])
        #expect(ids(try stage.ask(Self.get("/v1/models"))) == ["fast", "org/model \"x\""])
        #expect(stage.listFailures.count == 1)
        stage.finish()
    }

    // MARK: Shared

    @Test func whatOneWorkerWasToldTheOthersKnow() throws {
        let directory = TestDirectory()
        let first = try Self.stage(list: [Self.list("a"), .init(status: 500, body: "")]) {
            $0.listDirectory = directory.path
            $0.modelList.freshTime = .seconds(2)
        }
        #expect(ids(try first.ask(Self.get("/v1/models"))).last == "raw/a")
        let second = try Self.stage(list: [Self.list("b")]) {
            $0.listDirectory = directory.path
        }
        #expect(ids(try second.ask(Self.get("/v1/models"))).last == "raw/a")
        #expect(first.upstream.heads.count == 1)
        #expect(second.upstream.heads.isEmpty)
        first.finish()
        second.finish()
    }

    @Test func whatFailedForOneIsNotTriedByOthers() throws {
        let directory = TestDirectory()
        let first = try Self.stage(list: [.init(status: 500, body: "")]) {
            $0.listDirectory = directory.path
        }
        #expect(ids(try first.ask(Self.get("/v1/models"))).last == "org/model \"x\"")
        #expect(first.listFailures.count == 1)
        let second = try Self.stage(list: [Self.list("b")]) {
            $0.listDirectory = directory.path
        }
        #expect(ids(try second.ask(Self.get("/v1/models"))).last == "org/model \"x\"")
        #expect(second.upstream.heads.isEmpty)
        #expect(second.listFailures.isEmpty)
        // An old list is better than none.
        let file = ModelListFile(
            directory: directory.path, provider: "raw",
            identity: SHA256Digest(of: ByteSlice("raw" as StaticString)))
        #expect(file.lock() == .taken)
        let old = KeptModelList(
            models: [CatalogModel(id: "old")], fetchedAt: 1,
            failedAt: first.worker.loop.secondsSince1970)
        #expect(file.write(old) == nil)
        file.unlock()
        let third = try Self.stage(list: [Self.list("b")]) { $0.listDirectory = directory.path }
        #expect(ids(try third.ask(Self.get("/v1/models"))).last == "raw/old")
        #expect(third.upstream.heads.isEmpty)
        third.finish()
        first.finish()
        second.finish()
    }

    /// A gateway with a client in wait for a list that somebody else is asking for.
    private func waiting(
        _ directory: TestDirectory
    ) throws -> (GatewayStage, ModelListFile, Client) {
        let stage = try Self.stage(list: [Self.list("b")]) { $0.listDirectory = directory.path }
        let other = ModelListFile(
            directory: directory.path, provider: "raw",
            identity: SHA256Digest(of: ByteSlice("raw" as StaticString)))
        #expect(other.lock() == .taken)
        let client = stage.connect()
        client.send(Self.get("/v1/models"))
        stage.wait("the request") { stage.worker.counters.inFlight == 1 }
        return (stage, other, client)
    }

    /// Somebody else is asking: it is waited for, and asked again if nothing came of it.
    @Test func aFetchThatRunsElsewhereIsWaitedFor() throws {
        let directory = TestDirectory()
        let (stage, other, client) = try waiting(directory)
        stage.pass(.milliseconds(120))
        #expect(stage.upstream.heads.isEmpty)
        #expect(stage.worker.counters.inFlight == 1)
        let now = stage.worker.loop.secondsSince1970
        #expect(other.write(KeptModelList(models: [CatalogModel(id: "z")], fetchedAt: now)) == nil)
        #expect(ids(try stage.answer(to: client)).last == "raw/z")
        #expect(stage.upstream.heads.isEmpty)
        stage.finish()
    }

    @Test func aFetchThatDiedElsewhereIsMadeAnew() throws {
        let directory = TestDirectory()
        let (stage, other, client) = try waiting(directory)
        other.unlock()
        #expect(ids(try stage.answer(to: client)).last == "raw/b")
        #expect(other.read()?.models == [CatalogModel(id: "b")])
        stage.finish()
    }

    @Test func anthropicsClientsAreToldInTheirWords() throws {
        let stage = try Self.stage(["a", "b", "c"])
        let version = "anthropic-version: 2023-06-01\r\n"
        let first = try stage.ask(Self.get("/v1/models?limit=2", version))
        #expect(ids(first) == ["a", "b"])
        #expect(first.json("data", "0", "type") == "model")
        #expect(first.json("has_more") == "true")
        #expect(first.json("last_id") == "b")
        #expect(first.fields["request-id"] == first.fields["x-request-id"])
        #expect(ids(try stage.ask(Self.get("/v1/models?after_id=b", version))) == ["c"])
        #expect(try stage.ask(Self.get("/v1/models/a", version)).json("type") == "model")
        for (path, status) in [("?limit=0", 400), ("?after_id=zz", 400), ("/zz", 404)] {
            let answer = try stage.ask(Self.get("/v1/models\(path)", version))
            #expect(answer.status == status)
            #expect(answer.json("type") == "error")
        }
        #expect(ids(try stage.ask(Self.get("/v1/models?limit=0"))) == ["a", "b", "c"])
        stage.finish()
    }
}
