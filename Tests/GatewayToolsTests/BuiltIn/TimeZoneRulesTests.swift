import GatewayTools
import Glibc
import ReactorCore
import Testing

@Suite struct TimeZoneRulesTests {
    static func file(_ zone: String) -> [UInt8]? {
        guard let file = fopen("/usr/share/zoneinfo/\(zone)", "r") else { return nil }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        while case let byte = getc(file), byte != EOF { bytes.append(UInt8(byte)) }
        return bytes
    }

    @Test(arguments: [
        ("UTC", 0), ("Z", 0), ("GMT", 0), ("+05:30", 19_800), ("-0800", -28_800), ("UTC+2", 7200),
        ("GMT-3:30", -12_600), ("+14", 50_400),
    ])
    func readsOffsets(_ name: String, _ seconds: Int) {
        let rules = name.withByteSlice { TimeZoneRules(offset: $0) }
        #expect(rules?.offset(at: 0).seconds == seconds)
    }

    @Test(arguments: ["", "Europe/Oslo", "+", "+25", "+1:75", "+12345", "UTC+a", "5"])
    func refusesWhatIsNone(_ name: String) {
        #expect(name.withByteSlice { TimeZoneRules(offset: $0) } == nil)
    }

    @Test func onlyNamesOfZonesAreSane() {
        for name in ["Europe/Oslo", "Etc/GMT+5", "America/Port-au-Prince", "EST"] {
            #expect(name.withByteSlice { TimeZoneRules.isSane($0) })
        }
        for name in ["", "../etc/passwd", "/etc/passwd", "a//b", "a/", "a b", "a\0b", "1/2", "a.b"]
        {
            #expect(!name.withByteSlice { TimeZoneRules.isSane($0) })
        }
    }

    /// The moments are told by `TZ=... date`.
    @Test(
        .enabled(if: TimeZoneRulesTests.file("Europe/Oslo") != nil),
        arguments: [
            ("Europe/Oslo", 1_700_000_000, 3600), ("Europe/Oslo", 1_690_000_000, 7200),
            // Behind the table: the rule at its end.
            ("Europe/Oslo", 4_102_444_800, 3600), ("Europe/Oslo", 4_118_083_200, 7200),
            ("America/New_York", 1_700_000_000, -18_000),
            ("America/New_York", 1_690_000_000, -14_400),
            ("Australia/Sydney", 1_700_000_000, 39_600),
            ("Australia/Sydney", 4_118_083_200, 36_000),
            ("Asia/Kolkata", 1_700_000_000, 19_800), ("America/Sao_Paulo", 1_700_000_000, -10_800),
            ("Europe/Oslo", 1_711_846_799, 3600), ("Europe/Oslo", 1_711_846_800, 7200),
        ])
    func knowsTheSystemsZones(_ zone: String, _ moment: Int, _ seconds: Int) throws {
        let bytes = try #require(Self.file(zone))
        let rules = try #require(TimeZoneRules(file: bytes))
        #expect(rules.offset(at: moment).seconds == seconds)
    }

    @Test(.enabled(if: TimeZoneRulesTests.file("Europe/Oslo") != nil))
    func noFileIsACrash() throws {
        let bytes = try #require(Self.file("Europe/Oslo"))
        for length in stride(from: 0, to: bytes.count, by: 7) {
            _ = TimeZoneRules(file: Array(bytes[..<length]))?.offset(at: 0)
        }
        var random = SeededRandom(seed: 5)
        for _ in 0..<2000 {
            var broken = bytes
            for _ in 0..<3 {
                broken[Int.random(in: 0..<broken.count, using: &random)] = UInt8(
                    truncatingIfNeeded: random.next())
            }
            _ = TimeZoneRules(file: broken)?.offset(at: 4_118_083_200)
        }
    }

    @Test func datesAreRight() {
        func text(_ seconds: Int, _ offset: Int = 0) -> String {
            var buffer = ByteBuffer()
            CivilTime(epochSeconds: seconds, offsetSeconds: offset).append(to: &buffer)
            return buffer.string
        }
        #expect(text(0) == "1970-01-01T00:00:00")
        #expect(text(1_709_164_800) == "2024-02-29T00:00:00")
        #expect(text(-1) == "1969-12-31T23:59:59")
        #expect(text(1_700_000_000, 19_800) == "2023-11-15T03:43:20")
        #expect(CivilTime(epochSeconds: 1_700_000_000, offsetSeconds: 0).weekday == 2)
    }
}
