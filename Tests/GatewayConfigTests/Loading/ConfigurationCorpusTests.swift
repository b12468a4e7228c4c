// ConfigurationCorpusTests.swift — the fuzz target's inputs again: a file is loaded, or its mistakes are
// told.

import FuzzChecks
import TestSupport
import Testing

@Suite struct ConfigurationCorpusTests {
    @Test(arguments: FuzzCorpus.inputs(of: "configuration"))
    func isLoadedOrRefusedInWords(_ name: String, _ bytes: [UInt8]) {
        #expect(ConfigurationCheck.run(bytes) == nil, "\(name)")
        for count in stride(from: 0, to: min(bytes.count, 400), by: 7) {
            #expect(
                ConfigurationCheck.run(Array(bytes.prefix(count))) == nil, "\(name) at \(count)")
        }
    }
}
