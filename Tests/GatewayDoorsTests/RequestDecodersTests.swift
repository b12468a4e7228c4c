// RequestDecodersTests.swift — the fuzz target's inputs again: a request is its caller's mistake, or
// reaches every provider.

import FuzzChecks
import TestSupport
import Testing

@Suite struct RequestDecodersTests {
    private static let inputs = FuzzCorpus.inputs(of: "requests")

    @Test(arguments: inputs)
    func reachesEveryProviderOrIsRefused(_ name: String, _ bytes: [UInt8]) {
        #expect(RequestCheck.run(bytes) == nil, "\(name)")
    }

    /// A request that ends anywhere is refused, whatever was read of it by then.
    @Test func aRequestMayEndAnywhere() throws {
        let shortest = try #require(Self.inputs.filter { $0.0.contains("chat-tools") }.first)
        for count in 0..<shortest.1.count {
            #expect(RequestCheck.run(Array(shortest.1.prefix(count))) == nil, "at \(count)")
        }
    }
}
