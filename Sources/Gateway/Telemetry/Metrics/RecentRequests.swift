// RecentRequests.swift — the last requests of all workers, for whoever looks at the status page: ids,
// names, times and counts, never content. Each worker has a ring in memory that all of them see, in which
// it alone writes; an entry that is being written is not read.

import ReactorCore

/// The rings of the last requests that ended.
package struct RecentRequests {
    /// Of one worker, and of all that are told.
    package static let countMax = 100
    /// Longer ids and names are cut.
    package static let textBytesMax = 128

    /// One request that has ended. Words and bytes only: it lies in memory that processes share.
    package struct Entry {
        /// Its number among those of its worker, from 1.
        package fileprivate(set) var number = 0
        package fileprivate(set) var seconds = 0
        package fileprivate(set) var milliseconds = 0
        package fileprivate(set) var status = 0
        package fileprivate(set) var durationMicroseconds = 0
        package fileprivate(set) var firstEventMicroseconds = -1
        package fileprivate(set) var inputTokens = 0
        package fileprivate(set) var outputTokens = 0
        private var isStreamed = 0
        private var pricedCost = -1
        fileprivate var texts = Texts()

        package var streams: Bool { isStreamed != 0 }
        package var cost: Int? { pricedCost < 0 ? nil : pricedCost }

        package init() {}

        fileprivate mutating func record(_ record: AccessRecord, cost: Int?, number: Int) {
            self.number = number
            seconds = record.secondsSince1970
            milliseconds = record.milliseconds
            status = record.status
            durationMicroseconds = record.durationMicroseconds
            firstEventMicroseconds = record.firstEventMicroseconds
            inputTokens = record.usage?.inputTokens ?? 0
            outputTokens = record.usage?.outputTokens ?? 0
            isStreamed = record.streams ? 1 : 0
            pricedCost = cost ?? -1
            texts.record(record)
        }

        /// Its texts. Whoever has read it whole may ask for them.
        package func withText<Result>(_ text: Text, _ body: (ByteSlice) -> Result) -> Result {
            texts.withText(text, body)
        }

        package func text(_ text: Text) -> String { withText(text) { $0.string } }

        /// Whether it ended behind another.
        fileprivate func isLater(than other: Entry) -> Bool {
            (seconds, milliseconds, number) > (other.seconds, other.milliseconds, other.number)
        }
    }

    package enum Text: Int, CaseIterable {
        case requestID
        case model
        case provider
        case door
        case outcome
    }

    /// Texts one behind the other, and where each ends.
    fileprivate struct Texts {
        private var ends = InlineArray<5, Int>(repeating: 0)
        private var bytes = InlineArray<448, UInt8>(repeating: 0)

        mutating func record(_ record: AccessRecord) {
            add(0, record.requestID, textBytesMax)
            add(
                1, record.upstreamModel.isEmpty ? record.requestedModel : record.upstreamModel,
                textBytesMax)
            add(2, record.provider, textBytesMax)
            // Words of the program's own.
            add(3, ByteSlice(record.door), 32)
            add(4, ByteSlice(record.outcome), 32)
        }

        private mutating func add(_ place: Int, _ text: ByteSlice, _ bytesMax: Int) {
            let start = place == 0 ? 0 : ends[place - 1]
            let count = min(text.count, bytesMax)
            if count > 0 {
                withUnsafeMutableBytes(of: &bytes) {
                    UnsafeMutableRawBufferPointer(rebasing: $0[start..<start + count])
                        .copyMemory(from: text.prefix(count).raw)
                }
            }
            ends[place] = start + count
        }

        func withText<Result>(_ text: Text, _ body: (ByteSlice) -> Result) -> Result {
            let start = text == .requestID ? 0 : ends[text.rawValue - 1]
            let end = ends[text.rawValue]
            return withUnsafeBytes(of: bytes) { bytes in
                body(ByteSlice(UnsafeRawBufferPointer(rebasing: bytes[start..<end])))
            }
        }
    }

    // MARK: The rings

    /// A line with the number of the last entry, then the entries, each with its version.
    private static let headerWords = 8
    private static let entryWords = SeriesArea.lines(1 + MemoryLayout<Entry>.stride / 8)
    static let wordCount = headerWords + countMax * entryWords

    private let area: SeriesArea
    private let own: AtomicWord

    /// The rings in `area`, of which `process` writes one.
    init(_ area: SeriesArea, process: Int) {
        self.area = area
        own = area.ring(process: process)
    }

    private static func entry(_ number: Int, in ring: AtomicWord) -> VersionedWords {
        VersionedWords(
            at: ring.advanced(by: headerWords + (number - 1) % countMax * entryWords))
    }

    func record(_ record: AccessRecord, cost: Int?) {
        let number = own.value + 1
        Self.entry(number, in: own).write {
            $0.assumingMemoryBound(to: Entry.self).pointee.record(
                record, cost: cost, number: number)
        }
        own.store(UInt64(number))
    }

    /// How many each worker has recorded: what has been told, once `since` was asked.
    package var numbers: [Int] {
        (0..<area.processCount).map { Int(area.ring(process: $0).load()) }
    }

    /// Those behind `told` (nothing: all) that are still there, at most `countMax`, oldest first; and
    /// what has been told with them.
    package func since(_ told: [Int]) -> (entries: [(worker: Int, entry: Entry)], told: [Int]) {
        let numbers = numbers
        var found: [(worker: Int, entry: Entry)] = []
        for (process, last) in numbers.enumerated() where last > 0 {
            let before = process < told.count ? told[process] : 0
            let ring = area.ring(process: process)
            for number in max(before, last - Self.countMax)..<max(before, last) {
                let entry = Self.entry(number + 1, in: ring).read { $0.load(as: Entry.self) }
                // Another number: it was written over meanwhile.
                if let entry, entry.number == number + 1 { found.append((process, entry)) }
            }
        }
        found.sort { $1.entry.isLater(than: $0.entry) }
        return (Array(found.suffix(Self.countMax)), numbers)
    }
}
