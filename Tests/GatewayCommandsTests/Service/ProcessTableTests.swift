import Glibc
import Testing

@testable import GatewayCommands

@Suite struct ProcessTableTests {
    @Test func theStartIsFoundBehindAnyName() {
        let rest = (3...50).map { "\($0 == 22 ? 123456 : $0)" }.joined(separator: " ")
        #expect(ProcessTable.startTicks(stat: "42 (gateway) \(rest)") == 123_456)
        #expect(ProcessTable.startTicks(stat: "42 (a) b) c) \(rest)") == 123_456)
        #expect(ProcessTable.startTicks(stat: "42 (gateway) S 1") == nil)
        #expect(ProcessTable.startTicks(stat: "") == nil)
    }

    @Test func ownProcessIsThere() throws {
        let uptime = try #require(ProcessTable.uptime(of: getpid()))
        #expect((0..<86_400).contains(uptime))
        #expect(ProcessTable.uptime(of: 0) == nil)
    }

    @Test(arguments: [
        (0, "0 s"), (59, "59 s"), (60, "1 min 0 s"), (3661, "1 h 1 min"), (90_000, "1 d 1 h"),
    ])
    func spansForPeople(seconds: Int, text: String) {
        #expect(UptimeText.text(seconds: seconds) == text)
    }
}
