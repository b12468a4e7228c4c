// ProviderStreamDecoderTests.swift — the fuzz targets' inputs again: order, one end, and the same
// however the bytes are cut.

import FuzzChecks
import TestSupport
import Testing

@Suite struct ProviderStreamDecoderTests {
    @Test(arguments: FuzzCorpus.inputs(of: "chat-stream"))
    func chatKeepsOrderWhateverComes(_ name: String, _ bytes: [UInt8]) {
        #expect(ProviderStreamCheck.chat(bytes) == nil, "\(name)")
    }

    @Test(arguments: FuzzCorpus.inputs(of: "salesforce-stream"))
    func salesforceKeepsOrderWhateverComes(_ name: String, _ bytes: [UInt8]) {
        #expect(ProviderStreamCheck.salesforce(bytes) == nil, "\(name)")
    }

    @Test(arguments: FuzzCorpus.inputs(of: "frame-stream"))
    func framesKeepOrderWhateverComes(_ name: String, _ bytes: [UInt8]) {
        #expect(ProviderStreamCheck.frames(bytes) == nil, "\(name)")
    }
}
