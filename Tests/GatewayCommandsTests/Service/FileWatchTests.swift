import ReactorCore
import Testing

@testable import GatewayCommands

@Suite struct FileWatchTests {
    private func digest(_ text: StaticString) -> SHA256Digest { SHA256Digest(of: ByteSlice(text)) }

    @Test func aChangeCountsOnceItIsAtRest() {
        var watch = FileWatch()
        let (a, b, c) = (digest("a"), digest("b"), digest("c"))
        let looks: [(SHA256Digest?, Bool)] = [
            (nil, false), (a, false), (a, false),
            // Half-written, then whole, then at rest.
            (b, false), (c, false), (c, true), (c, false),
            // Gone for a moment.
            (nil, false), (c, false), (c, false),
            // There and back between two looks.
            (b, false), (c, false), (c, false),
            (b, false), (b, true), (b, false),
        ]
        for (index, look) in looks.enumerated() {
            #expect(watch.looked(look.0) == look.1, "look \(index)")
        }
    }
}
