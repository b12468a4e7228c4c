// RecentRequests.swift — the last requests, for whoever looks at the status page: ids, names, times
// and counts, never content.

import ReactorCore

/// A ring of the last requests that ended. Its memory is used again.
package struct RecentRequests {
    package static let countMax = 100
    /// Longer ids and names are cut.
    package static let textBytesMax = 128

    /// One request that has ended.
    package final class Entry {
        package fileprivate(set) var number = 0
        package fileprivate(set) var requestID = ByteBuffer()
        package fileprivate(set) var model = ByteBuffer()
        package fileprivate(set) var provider = ByteBuffer()
        package fileprivate(set) var door: StaticString = ""
        package fileprivate(set) var outcome: StaticString = ""
        package fileprivate(set) var seconds = 0
        package fileprivate(set) var milliseconds = 0
        package fileprivate(set) var status = 0
        package fileprivate(set) var streams = false
        package fileprivate(set) var durationMicroseconds = 0
        package fileprivate(set) var firstEventMicroseconds = -1
        package fileprivate(set) var inputTokens = 0
        package fileprivate(set) var outputTokens = 0
        package fileprivate(set) var cost: Int?
    }

    private var entries: [Entry] = []
    /// How many there have ever been; the number of the last.
    package private(set) var number = 0

    package init() {}

    mutating func record(_ record: AccessRecord, cost: Int?) {
        if entries.count < Self.countMax { entries.append(Entry()) }
        let entry = entries[number % Self.countMax]
        number += 1
        entry.number = number
        Self.copy(record.requestID, to: &entry.requestID)
        Self.copy(
            record.upstreamModel.isEmpty ? record.requestedModel : record.upstreamModel,
            to: &entry.model)
        Self.copy(record.provider, to: &entry.provider)
        entry.door = record.door
        entry.outcome = record.outcome
        entry.seconds = record.secondsSince1970
        entry.milliseconds = record.milliseconds
        entry.status = record.status
        entry.streams = record.streams
        entry.durationMicroseconds = record.durationMicroseconds
        entry.firstEventMicroseconds = record.firstEventMicroseconds
        entry.inputTokens = record.usage?.inputTokens ?? 0
        entry.outputTokens = record.usage?.outputTokens ?? 0
        entry.cost = cost
    }

    private static func copy(_ text: ByteSlice, to buffer: inout ByteBuffer) {
        buffer.removeAll()
        buffer.append(text.prefix(min(text.count, textBytesMax)))
    }

    /// Those behind `number` that are still there, oldest first.
    package func since(_ number: Int, _ body: (Entry) -> Void) {
        let first = max(number, self.number - entries.count)
        guard first < self.number else { return }
        for index in first..<self.number { body(entries[index % Self.countMax]) }
    }
}
