import GatewayExchange
import Glibc
import ReactorCore
import Testing

@Suite struct ZoneFilesTests {
    @Test(.enabled(if: access("/usr/share/zoneinfo/Europe/Oslo", R_OK) == 0))
    func readsTheSystemsZones() {
        let files = ZoneFiles()
        for _ in 0..<2 {
            let bytes = "Europe/Oslo".withByteSlice { files.bytes(of: $0) }
            #expect(bytes?.starts(with: "TZif".utf8) == true)
        }
    }

    @Test func readsNothingElse() {
        let files = ZoneFiles(folder: "/etc")
        for name in ["../etc/passwd", "/etc/passwd", "nowhere", ""] {
            #expect(name.withByteSlice { files.bytes(of: $0) } == nil)
        }
    }
}
