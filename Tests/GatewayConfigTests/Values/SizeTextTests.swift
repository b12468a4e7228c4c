import Testing

@testable import GatewayConfig

@Suite struct SizeTextTests {
    @Test func readsUnits() throws {
        let cases = [
            ("0", 0), ("65536", 65_536), ("7B", 7), ("64KiB", 65_536), ("32MiB", 33_554_432),
            ("1GiB", 1 << 30), ("1KB", 1000), ("1kB", 1000), ("1MB", 1_000_000),
            ("2GB", 2_000_000_000),
        ]
        for (text, size) in cases {
            #expect(try SizeText.parse(text) == size, "\(text)")
            #expect(try SizeText.parse(SizeText.text(size)) == size)
        }
    }

    @Test func writesTheLargestBinaryUnit() {
        #expect(SizeText.text(65_536) == "64KiB")
        #expect(SizeText.text(3 << 20) == "3MiB")
        #expect(SizeText.text(1000) == "1000")
        #expect(SizeText.text(0) == "0")
    }

    @Test(arguments: [
        "", "KiB", "-1", "1.5MiB", "1 KiB", "1kib", "1K", "1TiB", "٣", "99999999999999999999",
        "9999999999GiB",
    ])
    func refuses(text: String) {
        #expect(throws: Refusal.self) { try SizeText.parse(text) }
    }
}
