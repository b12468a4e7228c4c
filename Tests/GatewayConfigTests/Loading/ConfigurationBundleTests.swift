// ConfigurationBundleTests.swift — what a worker loads is what the supervisor read, whatever has
// become of the files.

import GatewayConfig
import ReactorCore
import Testing

@Suite struct ConfigurationBundleTests {
    private func sources() -> ConfigurationSources {
        var sources = ConfigurationSources()
        let text = """
            server: {port: 4321}
            providers:
              one: {type: openai, base_url: "https://one.example/v1", api_key: "${ONE_API_KEY}"}
            """
        sources.file = ConfigurationDocument(name: "gateway.yaml", bytes: Array(text.utf8))
        sources.dotEnv = ConfigurationDocument(
            name: ".env", bytes: Array("ENVIRONMENT=production".utf8))
        sources.environment = ["ONE_API_KEY_FILE": "/secret/one"]
        sources.searchedDirectories = [".", ".."]
        sources.readFile = { (path) throws(FileFailure) in
            guard path == "/secret/one" else {
                throw FileFailure(path: path, reason: "is not there")
            }
            return Array("sk-one\n".utf8)
        }
        return sources
    }

    private func decode(_ bytes: [UInt8]) throws -> ConfigurationBundle {
        try bytes.withUnsafeBytes { try ConfigurationBundle(ByteSlice($0)) }
    }

    @Test func aWorkerLoadsTheSame() throws {
        let (loaded, bundle) = try ConfigurationBundle.load(sources())
        #expect(loaded.configuration.server.port == 4321)
        #expect(loaded.configuration.environment == .production)
        // No file is there any more.
        let there = try decode(bundle.bytes)
        #expect(there == bundle)
        let again = there.sources(
            environment: sources().environment,
            commandLine: [CommandLineSetting(path: "server.port", text: "1", flag: "--port")])
        #expect(again.searchedDirectories == [".", ".."])
        let configuration = try again.load().configuration
        #expect(configuration.server.port == 1)
        #expect(configuration.environment == .production)
        guard case .openAI(let settings) = configuration.providers.first?.kind else {
            Issue.record("no provider")
            return
        }
        #expect(settings.apiKey?.withBytes { Array($0.raw) } == Array("sk-one".utf8))
    }

    @Test func anotherFileThanWasReadIsNotRead() throws {
        let (_, bundle) = try ConfigurationBundle.load(sources())
        let again = bundle.sources(
            environment: ["ONE_API_KEY_FILE": "/secret/two"], commandLine: [])
        #expect(throws: ConfigurationFailure.self) { try again.load() }
    }

    /// Cut anywhere but between documents, a bundle is none; so is a role that does not exist.
    @Test func whatIsCutIsRefused() throws {
        let (_, bundle) = try ConfigurationBundle.load(sources())
        let bytes = bundle.bytes
        var wholeCount = 0
        for count in 0..<bytes.count {
            if (try? decode(Array(bytes[..<count]))) != nil { wholeCount += 1 }
        }
        // In front of each of the five documents.
        #expect(wholeCount == 5)
        #expect(throws: ConfigurationBundleFailure.self) {
            try decode([99, 0, 0, 0, 0, 0, 0, 0, 0])
        }
    }
}
