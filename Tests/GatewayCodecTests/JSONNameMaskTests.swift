// JSONNameMaskTests.swift — a name that is there is never missed.

import GatewayCodec
import ReactorCore
import Testing

@Suite struct JSONNameMaskTests {
    @Test func holdsEveryNameOfTheObject() throws {
        let tree = try JSONArena().read(ByteSlice(#"{"model":1,"":2,"n":3,"\u0061b":4}"#))
        let mask = JSONNameMask(tree.root)
        for name in ["model", "", "n", "ab"] as [StaticString] { #expect(mask.mayHold(name)) }
        let others: [StaticString] = [
            "messages", "stream", "temperature", "top_p", "tools", "stop", "user", "seed",
        ]
        #expect(others.contains { !mask.mayHold($0) })
    }

    @Test func holdsNothingOfWhatIsNoObject() throws {
        let tree = try JSONArena().read(ByteSlice(#"["model"]"#))
        #expect(!JSONNameMask(tree.root).mayHold("model"))
    }

    @Test func listsOfNamesKnowTheirOwn() {
        let names = JSONNames("n", "model", "response_format", "response_formal")
        for name in ["n", "model", "response_format", "response_formal"] as [StaticString] {
            #expect(names.contains(ByteSlice(name)))
        }
        let others: [StaticString] = ["", "m", "modes", "response_forma", "response_format2"]
        for name in others { #expect(!names.contains(ByteSlice(name))) }
    }
}
