// HeaderListTests.swift — header fields in one text.

import ReactorCore
import Testing

@testable import GatewayConfig

@Suite struct HeaderListTests {
    private func parse(_ text: String) -> [String]? {
        try? HeaderList.parse(text).map { "\($0.name): \($0.value.withBytes { $0.string })" }
    }

    @Test func readsWhatTheSpecificationShows() {
        #expect(parse("") == [])
        #expect(parse("api-key=abc") == ["api-key: abc"])
        #expect(parse("a=1,b=2") == ["a: 1", "b: 2"])
        #expect(
            parse(" Authorization = Basic%20dTpw%3D , x-scope=t") == [
                "Authorization: Basic dTpw=", "x-scope: t",
            ])
        #expect(parse("a=b=c") == ["a: b=c"])
        #expect(parse("a=%zz%4") == ["a: %zz%4"])
    }

    @Test(arguments: ["a", "a b=c", "=c", "host=x", "a=%0D%0Ab", "content-length=1"])
    func refusesWhatIsNone(text: String) { #expect(parse(text) == nil) }
}
