// SalesforceGoldenTests.swift — answers and streams of both surfaces, as documents.

import GatewayCodec
import GatewayModel
import ReactorCore
import TestSupport
import Testing

@testable import GatewayProviders

@Suite struct SalesforceGoldenTests {
    private let context = ProviderContext(
        model: ByteSlice("sfdc_ai__DefaultGPT4Omni"), arena: JSONArena(), ids: IDSource(seed: 1))

    @Test func answersAreReadFromWhereverTheyStand() throws {
        let files = GoldenFile.all(in: "salesforce", "response-")
        #expect(files.count >= 7)
        for file in files {
            let json = try #require(file.block("json"))
            var log = EventLog()
            json.withByteSlice { SalesforceResponseDecoder.decode($0, context) { log.add($0) } }
            #expect(file.complaint("events", found: log.text) == nil)
            #expect(log.isOver)
        }
    }

    @Test func streamsAreTheSameHoweverTheyAreCut() throws {
        let files = GoldenFile.all(in: "salesforce", "stream-")
        #expect(files.count >= 4)
        for file in files {
            let text = try #require(file.block("sse"))
            let whole = log(of: text, cutAt: 0)
            #expect(file.complaint("events", found: whole.text) == nil)
            #expect(whole.isOver)
            for cut in 1...text.utf8.count {
                let found = log(of: text, cutAt: cut).text
                #expect(found == whole.text, "\(file), cut at \(cut)")
            }
        }
    }

    private func log(of text: String, cutAt cut: Int) -> EventLog {
        var log = EventLog()
        var decoder = SalesforceStreamDecoder()
        GoldenStream.events(of: text, cutAt: cut) { event in
            decoder.decode(event, context) { log.add($0) }
        }
        decoder.finish(context) { log.add($0) }
        return log
    }
}
