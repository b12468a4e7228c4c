// RecentRequests.swift — the last requests of all workers, for whoever looks at the status page: ids,
// names, times and counts, never content. Each worker has a ring in memory that all of them see, in which
// it alone writes; an entry that is being written is not read.

import ReactorCore

/// One request that has ended, as it is told.
package struct RecentRequest {
    /// The number of the process that served it.
    package var process: Int
    package var requestID: String
    package var door: String
    package var provider: String
    package var model: String
    package var outcome: String
    package var seconds: Int
    package var milliseconds: Int
    package var status: Int
    package var streams: Bool
    package var durationMicroseconds: Int
    /// -1 without one.
    package var firstEventMicroseconds: Int
    package var inputTokens: Int
    package var outputTokens: Int
    package var cost: Int?
    fileprivate var number: Int

    /// Whether it ended behind another.
    fileprivate func isLater(than other: RecentRequest) -> Bool {
        (seconds, milliseconds, number) > (other.seconds, other.milliseconds, other.number)
    }
}

/// The rings of the last requests that ended.
package struct RecentRequests {
    /// Of one worker, and of all that are told.
    package static let countMax = 100
    /// Places for them: a power of two, so that one is found without a division.
    private static let placeCount = 128
    /// Longer ids and names are cut.
    package static let textBytesMax = 128

    /// Where the names of a request stand that the area has already: nothing is copied then.
    struct Places {
        /// -1: the area does not have it.
        var model = -1
        var door = -1
    }

    /// Words and bytes only: it lies in memory that processes share.
    private struct Entry {
        /// Its number among those of its worker, from 1.
        var number = 0
        var seconds = 0
        var milliseconds = 0
        var status = 0
        var durationMicroseconds = 0
        var firstEventMicroseconds = -1
        var inputTokens = 0
        var outputTokens = 0
        var isStreamed = 0
        /// -1: none.
        var cost = -1
        var places = Places()
        /// Texts one behind the other, and where each ends: the id; unless it is `ok`, the outcome;
        /// and where the area does not have them the names.
        var ends = InlineArray<4, Int>(repeating: 0)
        var bytes = InlineArray<416, UInt8>(repeating: 0)

        mutating func record(
            _ record: AccessRecord, cost: Int?, number: Int, places: Places
        ) {
            self.number = number
            seconds = record.secondsSince1970
            milliseconds = record.milliseconds
            status = record.status
            durationMicroseconds = record.durationMicroseconds
            firstEventMicroseconds = record.firstEventMicroseconds
            inputTokens = record.usage?.inputTokens ?? 0
            outputTokens = record.usage?.outputTokens ?? 0
            isStreamed = record.streams ? 1 : 0
            self.cost = cost ?? -1
            self.places = places
            add(0, record.requestID)
            if record.outcome.isSame(as: "ok") {
                ends[1] = ends[0]
            } else {
                add(1, ByteSlice(record.outcome), max: 32)
            }
            guard places.model < 0 else { return }
            add(2, record.upstreamModel.isEmpty ? record.requestedModel : record.upstreamModel)
            add(3, record.provider)
        }

        @inline(__always)
        private mutating func add(
            _ place: Int, _ text: ByteSlice, max bytesMax: Int = textBytesMax
        ) {
            let start = place == 0 ? 0 : ends[place - 1]
            let count = min(text.count, bytesMax)
            withUnsafeMutableBytes(of: &bytes) { bytes in
                guard count > 0, let base = bytes.baseAddress else { return }
                (base + start).copyMemory(from: UnsafeRawPointer(text.base), byteCount: count)
            }
            ends[place] = start + count
        }

        func text(_ place: Int) -> String {
            let start = place == 0 ? 0 : ends[place - 1]
            return withUnsafeBytes(of: bytes) {
                ByteSlice(UnsafeRawBufferPointer(rebasing: $0[start..<ends[place]])).string
            }
        }
    }

    // MARK: The rings

    /// A line with the number of the last entry, then the entries, each with its version.
    private static let headerWords = 8
    private static let entryWords = SeriesArea.lines(1 + MemoryLayout<Entry>.stride / 8)
    static let wordCount = headerWords + placeCount * entryWords

    private let area: SeriesArea
    private let own: AtomicWord

    /// The rings in `area`, of which `process` writes one.
    init(_ area: SeriesArea, process: Int) {
        self.area = area
        own = area.ring(process: process)
    }

    private static func entry(_ number: Int, in ring: AtomicWord) -> VersionedWords {
        VersionedWords(
            at: ring.advanced(by: headerWords + (number & (placeCount - 1)) * entryWords))
    }

    func record(_ record: AccessRecord, cost: Int?, places: Places) {
        let number = own.value + 1
        Self.entry(number, in: own).write {
            $0.assumingMemoryBound(to: Entry.self).pointee.record(
                record, cost: cost, number: number, places: places)
        }
        own.store(UInt64(number))
    }

    /// How many each process has recorded: what has been told, once `since` was asked.
    package var numbers: [Int] {
        (0..<area.processCount).map { Int(area.ring(process: $0).load()) }
    }

    /// Those behind `told` (nothing: all) that are still there, at most `countMax`, oldest first; and
    /// what has been told with them.
    package func since(_ told: [Int]) -> (requests: [RecentRequest], told: [Int]) {
        let numbers = numbers
        var found: [RecentRequest] = []
        for (process, last) in numbers.enumerated() where last > 0 {
            let before = process < told.count ? told[process] : 0
            let ring = area.ring(process: process)
            for number in max(before, last - Self.countMax)..<max(before, last) {
                let entry = Self.entry(number + 1, in: ring).read { $0.load(as: Entry.self) }
                // Another number: it was written over meanwhile.
                guard let entry, entry.number == number + 1 else { continue }
                found.append(request(entry, of: process))
            }
        }
        found.sort { $1.isLater(than: $0) }
        return (Array(found.suffix(Self.countMax)), numbers)
    }

    private func request(_ entry: Entry, of process: Int) -> RecentRequest {
        let series = entry.places.model < 0 ? nil : area.names(entry.places.model)
        let outcome = entry.text(1)
        return RecentRequest(
            process: process, requestID: entry.text(0),
            door: entry.places.door < 0 ? "" : area.names(entry.places.door).model,
            provider: series?.provider ?? entry.text(3), model: series?.model ?? entry.text(2),
            outcome: outcome.isEmpty ? "ok" : outcome, seconds: entry.seconds,
            milliseconds: entry.milliseconds, status: entry.status,
            streams: entry.isStreamed != 0, durationMicroseconds: entry.durationMicroseconds,
            firstEventMicroseconds: entry.firstEventMicroseconds,
            inputTokens: entry.inputTokens, outputTokens: entry.outputTokens,
            cost: entry.cost < 0 ? nil : entry.cost, number: entry.number)
    }
}
