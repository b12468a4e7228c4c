import Testing

@testable import GatewayConfig

@Suite struct DurationTextTests {
    @Test func readsUnits() throws {
        let cases: [(String, Duration)] = [
            ("15s", .seconds(15)), ("250ms", .milliseconds(250)), ("1m30s", .seconds(90)),
            ("2h", .seconds(7200)), ("0", .zero), ("0s", .zero), ("7us", .microseconds(7)),
            ("1h1m1s1ms1us", .seconds(3661) + .milliseconds(1) + .microseconds(1)),
            ("90s", .seconds(90)), ("01s", .seconds(1)),
        ]
        for (text, duration) in cases {
            #expect(try DurationText.parse(text) == duration, "\(text)")
            #expect(try DurationText.parse(DurationText.text(duration)) == duration)
        }
    }

    @Test func writesTheShortestForm() {
        #expect(DurationText.text(.seconds(90)) == "1m30s")
        #expect(DurationText.text(.seconds(3600)) == "1h")
        #expect(DurationText.text(.milliseconds(1500)) == "1s500ms")
        #expect(DurationText.text(.zero) == "0")
    }

    @Test(arguments: [
        "", "s", "15", "1.5s", "-1s", "1 s", "1S", "1d", "30s1m", "1s1s", "1m30", "15sec", " 1s",
        "1s ", "٣s", "99999999999999999999s", "9999999999h", "2562047h48m",
    ])
    func refuses(text: String) {
        #expect(throws: Refusal.self) { try DurationText.parse(text) }
    }

    @Test func saysThatTheUnitIsMissing() {
        do throws(Refusal) {
            _ = try DurationText.parse("15")
            Issue.record("accepted")
        } catch {
            #expect(error.reason.hasPrefix("has no unit"))
        }
    }
}
