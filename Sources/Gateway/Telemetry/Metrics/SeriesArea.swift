// SeriesArea.swift — counts by provider, model and operation, and what workers say of themselves, in memory that all
// of them see, so that any can tell the sum. Where the memory lies is the owner's matter.
//
// A table of names, into which each is entered once, by whichever worker is first; for each process a
// block for each name, which that process alone writes; and for each a ring of its last requests. What a
// worker has counted stays when it dies, and whoever gets its number goes on from there; what it held
// goes with it (`clear`). A reader may see a request half counted, never a word half written: every field
// is one aligned word. What must be read whole is `VersionedWords`.

import ReactorCore

/// The names and the counts of all workers' series.
///
/// `@unchecked Sendable`: names are entered by compare-and-exchange and never change; a block has one
/// writer; the owner of the memory outlives it.
package struct SeriesArea: @unchecked Sendable {
    /// What a name stands for.
    package enum Kind: UInt64 {
        /// One that chats.
        case model
        case door
        /// All that went to a provider.
        case overhead
        /// `ProviderFigures`, `ExportFigures` and, without a name, `ProcessFigures`.
        case provider
        case exporter
        case process
        /// A model again, for what else it is asked to do: numbers of their own for each.
        case textModel
        case embeddingModel

        static func model(for operation: ModelOperation) -> Kind {
            switch operation {
            case .chat: .model
            case .textCompletion: .textModel
            case .embeddings: .embeddingModel
            }
        }

        /// What is asked of it; nil where it is no model.
        var operation: ModelOperation? {
            switch self {
            case .model: .chat
            case .textModel: .textCompletion
            case .embeddingModel: .embeddings
            case .door, .overhead, .provider, .exporter, .process: nil
            }
        }
    }

    /// Names of all kinds. Those of models (`SeriesTable`) and providers are bounded before: there is
    /// always room for the others.
    package static let capacity = 640
    /// Providers that there can be from the first start on, reloads included; of further ones the
    /// pools are not told.
    package static let providerCountMax = 256
    /// Bytes of provider and model together; a longer name has no series of its own.
    package static let nameBytesMax = 360
    /// A line of counters, then the table, then the blocks.
    private static let headerWords = 8
    private static let nameWords = 48
    private static let countsWords = MemoryLayout<RequestCounts>.stride / 8
    /// The counts, and an exemplar with its version.
    private static let blockWords = lines(countsWords + 1 + MemoryLayout<Exemplar>.stride / 8)
    private static let ringWords = lines(RecentRequests.wordCount)

    /// Whole cache lines: no two processes write to one.
    static func lines(_ words: Int) -> Int { (words + 7) / 8 * 8 }

    private static let free: UInt64 = 0
    private static let entered: UInt64 = 1
    private static let ready: UInt64 = 2
    /// How often a name that another worker is just writing is looked at again.
    private static let patience = 10_000

    private let first: AtomicWord
    package let processCount: Int

    /// The area in zeroed words that begin with `first`, for numbers below `processCount`.
    package init(at first: AtomicWord, processCount: Int) {
        self.first = first
        self.processCount = processCount
    }

    package static func wordCount(processCount: Int) -> Int {
        headerWords + capacity * (nameWords + processCount * blockWords)
            + processCount * ringWords
    }

    // MARK: Names

    /// How many models have series of their own, and how many providers an `other`.
    var namedCount: AtomicWord { first }
    var otherCount: AtomicWord { first.advanced(by: 1) }
    /// How many providers have figures.
    var providerCount: AtomicWord { first.advanced(by: 2) }

    private func name(_ slot: Int) -> AtomicWord {
        first.advanced(by: Self.headerWords + slot * Self.nameWords)
    }

    /// The place of a name that some worker has entered; nil if none has.
    func find(_ kind: Kind, _ provider: ByteSlice, _ model: ByteSlice, hash: UInt64) -> Int? {
        var slot = Int(hash % UInt64(Self.capacity))
        for _ in 0..<Self.capacity {
            switch settled(slot) {
            case Self.free: return nil
            case Self.ready where isNamed(slot, kind, provider, model, hash): return slot
            default: slot = (slot + 1) % Self.capacity
            }
        }
        return nil
    }

    /// The place of a name, entered now if it is new; nil where there is no room for it.
    func enter(_ kind: Kind, _ provider: ByteSlice, _ model: ByteSlice, hash: UInt64) -> Int? {
        guard provider.count + model.count <= Self.nameBytesMax else { return nil }
        var slot = Int(hash % UInt64(Self.capacity))
        var tries = 0
        while tries < Self.capacity {
            switch settled(slot) {
            case Self.free:
                var expected = Self.free
                guard name(slot).exchange(&expected, for: Self.entered) else { continue }
                write(slot, kind, provider, model, hash)
                return slot
            case Self.ready where isNamed(slot, kind, provider, model, hash): return slot
            default:
                slot = (slot + 1) % Self.capacity
                tries += 1
            }
        }
        return nil
    }

    /// The state of a place, when nobody writes there any more. A worker that died while it did has
    /// left a place that nobody uses; its name may come twice then, and whoever sums adds both.
    private func settled(_ slot: Int) -> UInt64 {
        let state = name(slot)
        var found = state.load()
        var looks = 0
        while found == Self.entered, looks < Self.patience {
            found = state.load()
            looks += 1
        }
        return found
    }

    private func write(
        _ slot: Int, _ kind: Kind, _ provider: ByteSlice, _ model: ByteSlice, _ hash: UInt64
    ) {
        let name = name(slot)
        name.advanced(by: 1).store(hash)
        name.advanced(by: 2).store(
            kind.rawValue << 32 | UInt64(provider.count) << 16 | UInt64(model.count))
        let bytes = name.advanced(by: 3).memory
        bytes.copyMemory(from: UnsafeRawPointer(provider.base), byteCount: provider.count)
        (bytes + provider.count).copyMemory(
            from: UnsafeRawPointer(model.base), byteCount: model.count)
        name.store(Self.ready)
    }

    private func isNamed(
        _ slot: Int, _ kind: Kind, _ provider: ByteSlice, _ model: ByteSlice, _ hash: UInt64
    ) -> Bool {
        guard name(slot).advanced(by: 1).load() == hash else { return false }
        let found = read(slot)
        return found.kind == kind && found.provider == provider && found.model == model
    }

    private func read(_ slot: Int) -> (kind: Kind?, provider: ByteSlice, model: ByteSlice) {
        let name = name(slot)
        let word = name.advanced(by: 2).load()
        let count = Int(word >> 16 & 0xFFFF)
        let bytes = UnsafeRawBufferPointer(
            start: name.advanced(by: 3).memory, count: count + Int(word & 0xFFFF))
        let text = ByteSlice(bytes)
        return (Kind(rawValue: word >> 32), text.prefix(count), text.dropFirst(count))
    }

    /// The names at a place that `enter` has told.
    func names(_ slot: Int) -> (provider: String, model: String) {
        let found = read(slot)
        return (found.provider.string, found.model.string)
    }

    /// Every name there is, with its place.
    func forEach(_ body: (Int, Kind, _ provider: ByteSlice, _ model: ByteSlice) -> Void) {
        for slot in 0..<Self.capacity where name(slot).load() == Self.ready {
            let found = read(slot)
            if let kind = found.kind { body(slot, kind, found.provider, found.model) }
        }
    }

    // MARK: Counts

    /// The block of one process under a name.
    private func block(_ slot: Int, process: Int) -> AtomicWord {
        precondition(process >= 0 && process < processCount, "no such process")
        let index = Self.headerWords + Self.capacity * Self.nameWords
        return first.advanced(by: index + (process * Self.capacity + slot) * Self.blockWords)
    }

    /// The counts of one process under a name.
    func counts(_ slot: Int, process: Int) -> UnsafeMutablePointer<RequestCounts> {
        block(slot, process: process).memory.assumingMemoryBound(to: RequestCounts.self)
    }

    /// An `Exemplar` of one process: its last request under a name.
    func exemplar(_ slot: Int, process: Int) -> VersionedWords {
        VersionedWords(at: block(slot, process: process).advanced(by: Self.countsWords))
    }

    /// The last request under a name, of all processes'; empty where none is told.
    func exemplar(_ slot: Int) -> Exemplar {
        var last = Exemplar()
        for process in 0..<processCount {
            let found = exemplar(slot, process: process).read { $0.load(as: Exemplar.self) }
            if let found, !found.isEmpty, found.isLater(than: last) { last = found }
        }
        return last
    }

    /// What one process says of itself, or of a provider or an exporter.
    func figures<Figures: SharedFigures>(
        _ slot: Int, process: Int
    ) -> UnsafeMutablePointer<Figures> {
        precondition(MemoryLayout<Figures>.stride <= Self.blockWords * 8)
        return block(slot, process: process).memory.assumingMemoryBound(to: Figures.self)
    }

    /// The last requests of one process.
    func ring(process: Int) -> AtomicWord {
        precondition(process >= 0 && process < processCount, "no such process")
        let index =
            Self.headerWords + Self.capacity * (Self.nameWords + processCount * Self.blockWords)
        return first.advanced(by: index + process * Self.ringWords)
    }

    /// A process is dead, or begins: it holds nothing. What it has counted stays.
    package func clear(process: Int) {
        forEach { slot, kind, _, _ in
            switch kind {
            case .model, .textModel, .embeddingModel, .door, .overhead: break
            case .provider:
                (figures(slot, process: process) as UnsafeMutablePointer<ProviderFigures>)
                    .pointee.clear()
            case .exporter:
                (figures(slot, process: process) as UnsafeMutablePointer<ExportFigures>)
                    .pointee.clear()
            case .process:
                (figures(slot, process: process) as UnsafeMutablePointer<ProcessFigures>)
                    .pointee.clear()
            }
        }
    }

    /// Adds up what all processes have counted under a name.
    func sum(_ slot: Int, into sum: inout RequestCounts) {
        for process in 0..<processCount {
            let counts = counts(slot, process: process)
            if counts.pointee.isTouched { sum += counts.pointee }
        }
    }

    /// FNV-1a.
    static func hash(_ provider: ByteSlice, _ model: ByteSlice) -> UInt64 {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for index in 0..<provider.count {
            hash = (hash ^ UInt64(provider.base[index])) &* 0x100_0000_01B3
        }
        hash = hash &* 0x100_0000_01B3
        for index in 0..<model.count {
            hash = (hash ^ UInt64(model.base[index])) &* 0x100_0000_01B3
        }
        return hash
    }
}

/// The words of an area for a process without siblings.
final class SeriesMemory {
    private let memory: UnsafeMutablePointer<UInt64>
    let area: SeriesArea

    init() {
        let count = SeriesArea.wordCount(processCount: 1)
        memory = .allocate(capacity: count)
        memory.initialize(repeating: 0, count: count)
        area = SeriesArea(at: AtomicWord(memory), processCount: 1)
    }

    deinit { memory.deallocate() }
}
