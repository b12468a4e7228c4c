// LimitFieldsTests.swift — rate-limit fields as OpenAI spells them.

import GatewayExchange
import GatewayPolicy
import ReactorCore
import Testing

@Suite struct LimitFieldsTests {
    @Test(arguments: [
        (0, "0s"), (1, "1ms"), (999_000_000, "999ms"), (999_000_001, "1s"), (1_500_000_000, "1.5s"),
        (8_640_000_000, "8.64s"), (1_005_000_000, "1.005s"), (60_000_000_000, "1m0s"),
        (120_250_000_000, "2m0.25s"),
    ])
    func durations(nanoseconds: UInt64, text: String) {
        #expect(LimitFields.text(nanoseconds) == text)
    }

    @Test func fields() {
        var fields = ByteBuffer()
        let standing = RateLimit.Standing(
            limit: 2000, remaining: 1500, resetNanoseconds: 15_000_000_000)
        LimitFields.append("tokens", standing, to: &fields)
        #expect(
            fields.string == """
                x-ratelimit-limit-tokens: 2000\r
                x-ratelimit-remaining-tokens: 1500\r
                x-ratelimit-reset-tokens: 15s\r

                """)
    }
}
