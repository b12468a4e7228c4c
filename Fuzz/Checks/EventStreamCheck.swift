// EventStreamCheck.swift — what must hold of the event stream parser for any bytes at all.
// Called by the fuzz target with made-up bytes and by the tests with the corpus and random ones.

import ReactorCore

/// What is to be heard of one event stream.
package struct EventStreamReport: Equatable {
    package struct Event: Equatable {
        package var name: [UInt8]
        package var data: [UInt8]

        package init(name: [UInt8], data: [UInt8]) {
            self.name = name
            self.data = data
        }
    }

    package var events: [Event] = []
    /// The event that the end of the stream left pending.
    package var pending: Event?
    package var isTooLarge = false

    package init() {}
}

/// Checks of the event stream parser; each answers what is wrong, or nil.
package enum EventStreamCheck {
    /// The parser agrees with the standard's rules however the bytes are cut, canonical events
    /// are written back as they were, and what is written is read back as it was.
    package static func run(_ bytes: [UInt8]) -> String? {
        var random = SeededRandom(seed: bytes.reduce(1) { ($0 &* 31) &+ UInt64($1) })
        for bytesMax in [3, 8, 24, 1 << 20] {
            let expected = standard(bytes, eventBytesMax: bytesMax)
            let cuts: [(String, () -> Int)] = [
                ("whole", { bytes.count }), ("bytewise", { 1 }),
                ("at random", { Int.random(in: 1...16, using: &random) }),
            ]
            for (manner, length) in cuts {
                let heard = parse(bytes, eventBytesMax: bytesMax, nextLength: length)
                if let complaint = heard.complaint { return "\(manner): \(complaint)" }
                if heard.report != expected {
                    return "\(manner), at most \(bytesMax): \(heard.report), not \(expected)"
                }
            }
        }
        return rewrites(standard(bytes, eventBytesMax: 1 << 20))
    }

    /// What the parser makes of `bytes` when fed pieces of the lengths asked for.
    package static func parse(
        _ bytes: [UInt8], eventBytesMax: Int, nextLength: () -> Int
    ) -> (report: EventStreamReport, complaint: String?) {
        var report = EventStreamReport()
        var parser = EventStreamParser(eventBytesMax: eventBytesMax)
        var from = 0
        do throws(EventStreamFailure) {
            while from < bytes.count {
                let until = min(bytes.count, from + max(1, nextLength()))
                // Memory of its own, so that a slice kept too long is caught by the sanitizer.
                let piece = ByteBuffer(copying: bytes[from..<until])
                var input = piece.slice
                while let event = try parser.next(&input) {
                    report.events.append(.init(event))
                    if let complaint = complaint(of: event) { return (report, complaint) }
                }
                guard input.isEmpty else { return (report, "nil with input left") }
                from = until
            }
        } catch {
            report.isTooLarge = true
            return (report, nil)
        }
        report.pending = parser.finish().map { .init($0) }
        return (report, nil)
    }

    private static func complaint(of event: EventStreamEvent) -> String? {
        guard let canonical = event.canonical else { return nil }
        var written = ByteBuffer()
        EventStreamWriter.event(name: event.name, data: event.data, to: &written)
        let same = written.slice == canonical
        return same ? nil : "\(canonical.string.debugDescription) is not canonical"
    }

    private static func rewrites(_ report: EventStreamReport) -> String? {
        var written = ByteBuffer()
        for event in report.events {
            event.name.withUnsafeBytes { name in
                event.data.withUnsafeBytes { data in
                    EventStreamWriter.event(
                        name: ByteSlice(name), data: ByteSlice(data), to: &written)
                }
            }
        }
        let bytes = written.array
        let heard = parse(bytes, eventBytesMax: 1 << 20, nextLength: { bytes.count })
        guard heard.report.events == report.events, heard.report.pending == nil else {
            return "written and read again: \(heard.report.events), not \(report.events)"
        }
        return heard.complaint
    }

    /// The standard's rules, spelled out over the whole stream with no thought of speed.
    package static func standard(_ bytes: [UInt8], eventBytesMax: Int) -> EventStreamReport {
        var report = EventStreamReport()
        var rest = bytes[...]
        if rest.starts(with: [0xEF, 0xBB, 0xBF]) { rest = rest.dropFirst(3) }
        var name: [UInt8] = []
        var data: [UInt8]?
        var isInEvent = false
        var size = 0
        while !rest.isEmpty {
            let end = rest.firstIndex { $0 == 10 || $0 == 13 }
            let line = rest[..<(end ?? rest.endIndex)]
            size += line.count + (end == nil ? 0 : 1)
            if size > eventBytesMax {
                report.isTooLarge = true
                return report
            }
            if let end {
                let isPair = rest[end] == 13 && end + 1 < rest.endIndex && rest[end + 1] == 10
                rest = rest[(end + (isPair ? 2 : 1))...]
            } else {
                rest = []
            }
            if line.isEmpty {
                if let data { report.events.append(.init(name: name, data: data)) }
                (name, data, isInEvent, size) = ([], nil, false, 0)
            } else if line.first == 58 {
                if !isInEvent { size = 0 }
            } else {
                isInEvent = true
                let parts = line.split(
                    separator: 58, maxSplits: 1, omittingEmptySubsequences: false)
                var value = parts.count == 2 ? parts[1] : []
                if value.first == 32 { value = value.dropFirst() }
                if parts[0].elementsEqual("event".utf8) { name = Array(value) }
                if parts[0].elementsEqual("data".utf8) {
                    data = data.map { $0 + [10] + value } ?? Array(value)
                }
            }
        }
        report.pending = data.map { .init(name: name, data: $0) }
        return report
    }
}

extension EventStreamReport.Event {
    init(_ event: EventStreamEvent) {
        self.init(name: Array(event.name.raw), data: Array(event.data.raw))
    }
}

extension ByteBuffer {
    fileprivate init(copying bytes: ArraySlice<UInt8>) {
        self.init()
        bytes.withUnsafeBytes { append(ByteSlice($0)) }
    }
}
