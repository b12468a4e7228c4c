// HTTPDateTests.swift — dates against known ones and against the C library.

import Glibc
import ReactorCore
import Testing

@Suite struct HTTPDateTests {
    private func text(_ seconds: Int) -> String {
        var buffer = ByteBuffer()
        HTTPDate.append(secondsSince1970: seconds, to: &buffer)
        return buffer.string
    }

    @Test func knownDates() {
        #expect(text(0) == "Thu, 01 Jan 1970 00:00:00 GMT")
        #expect(text(784_111_777) == "Sun, 06 Nov 1994 08:49:37 GMT")
        #expect(text(951_868_799) == "Tue, 29 Feb 2000 23:59:59 GMT")
        #expect(text(-1) == "Wed, 31 Dec 1969 23:59:59 GMT")
        #expect(text(4_107_542_400) == "Mon, 01 Mar 2100 00:00:00 GMT")
    }

    @Test func agreesWithTheLibrary() {
        // Every day of a century, at another time of day each.
        for day in 0..<36_600 {
            var seconds = time_t(day * 86_400 + day * 7919 % 86_400)
            var parts = tm()
            gmtime_r(&seconds, &parts)
            var buffer = [CChar](repeating: 0, count: 64)
            strftime(&buffer, buffer.count, "%a, %d %b %Y %H:%M:%S GMT", &parts)
            let expected = String(
                decoding: buffer.prefix { $0 != 0 }.map(UInt8.init), as: UTF8.self)
            if text(seconds) != expected {
                Issue.record("\(seconds): \(text(seconds)), not \(expected)")
                return
            }
        }
    }
}
