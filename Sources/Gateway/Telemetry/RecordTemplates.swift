// RecordTemplates.swift — what the records of requests of one kind have in common, kept as the bytes that
// lines and spans are made of, and where such requests are counted. Most requests are like one that came
// before, but for their ids, times and numbers. Pure; bounded: kinds are made of what clients send.

import GatewayModel
import ReactorCore

/// What tells one kind of requests from another.
private struct RecordKind {
    static let nameCount = 9

    /// Path, method, key, models, provider, host.
    let names: InlineArray<9, ByteSlice>
    /// How it ended and what else has few values, and literals by where they lie.
    let numbers: UInt64
    let literals: (outcome: UnsafePointer<UInt8>, door: UnsafePointer<UInt8>)
    /// Whether there are ever two of it: what reached no provider is as various as mistakes are.
    let isLikely: Bool

    init(_ record: AccessRecord, _ trace: TraceRecord) {
        names = [
            record.path, record.method, record.key, record.requestedModel, record.upstreamModel,
            record.provider, trace.reportedModel, trace.host, trace.system,
        ]
        let flags =
            (record.streams ? 1 : 0) | (trace.tags.isEmpty ? 0 : 2) | (trace.reachedModel ? 4 : 0)
        let reason = record.finishReason.map(Self.number) ?? 0
        isLikely =
            !record.provider.isEmpty && record.attempts < 256 && record.status < 1000
            && trace.port < 65_536
        numbers =
            UInt64(truncatingIfNeeded: record.status)
            | UInt64(truncatingIfNeeded: record.attempts) &<< 16
            | UInt64(truncatingIfNeeded: flags | reason &<< 4) &<< 32
            | UInt64(truncatingIfNeeded: trace.port) &<< 48
        literals = (record.outcome.utf8Start, record.door.utf8Start)
    }

    private static func number(_ reason: FinishReason) -> Int {
        switch reason {
        case .stop: 1
        case .length: 2
        case .toolCalls: 3
        case .contentFilter: 4
        case .other: 5
        }
    }

    /// Of what tells kinds apart in practice.
    @inline(__always)
    var hash: UInt64 {
        var hash = numbers
        for index in 2..<6 {
            hash = (hash ^ Self.sample(names[index])) &* 0x9E37_79B9_7F4A_7C15
            hash ^= hash &>> 29
        }
        return hash
    }

    /// The end of a name, and how long it is.
    @inline(__always)
    private static func sample(_ name: ByteSlice) -> UInt64 {
        let count = name.count
        let bytes = UnsafeRawPointer(name.base)
        if count >= 8 {
            return bytes.loadUnaligned(fromByteOffset: count &- 8, as: UInt64.self)
                ^ UInt64(truncatingIfNeeded: count) &<< 56
        }
        if count >= 4 {
            let first = bytes.loadUnaligned(as: UInt32.self)
            let last = bytes.loadUnaligned(fromByteOffset: count &- 4, as: UInt32.self)
            return UInt64(first) &<< 32 | UInt64(last)
        }
        var word: UInt64 = 0
        for index in 0..<count { word = word &<< 8 | UInt64(name.base[index]) }
        return word
    }
}

/// The bytes and counts of one kind. What is empty has not been asked for yet.
package struct RecordTemplate: ~Copyable {
    /// Bytes of the names of a kind that is kept.
    static let nameBytesMax = 1024

    // The kind.
    private var names = ByteBuffer()
    private var counts = InlineArray<9, UInt16>(repeating: 0)
    private var numbers = UInt64.max
    private var literals: (outcome: UnsafePointer<UInt8>?, door: UnsafePointer<UInt8>?)

    /// Of a line in the log.
    var line = ByteBuffer()
    /// Of a span, from its name to its attributes.
    var serverSpan = ByteBuffer()
    var modelSpan = ByteBuffer()
    var generation = ByteBuffer()
    /// Where it is counted; nil where others are counted with it, or it is not known yet.
    var series: Unmanaged<ModelSeries>?
    var doorCounts: UnsafeMutablePointer<RequestCounts>?

    fileprivate init() { literals = (nil, nil) }

    /// Whether it is of this kind.
    fileprivate func isOf(_ kind: RecordKind) -> Bool {
        guard numbers == kind.numbers, literals.outcome == kind.literals.outcome,
            literals.door == kind.literals.door
        else { return false }
        var place = UnsafeRawPointer(names.slice.base)
        for index in 0..<RecordKind.nameCount {
            let name = kind.names[index]
            guard Int(counts[index]) == name.count, Self.areSame(place, name) else { return false }
            place += name.count
        }
        return true
    }

    /// Names are short: a few words are compared before a call has found its way.
    @inline(__always)
    private static func areSame(_ place: UnsafeRawPointer, _ name: ByteSlice) -> Bool {
        let other = UnsafeRawPointer(name.base)
        let count = name.count
        guard count >= 8 else {
            var index = 0
            while index < count {
                let (one, two) = (
                    place.load(fromByteOffset: index, as: UInt8.self),
                    other.load(fromByteOffset: index, as: UInt8.self)
                )
                if one != two { return false }
                index &+= 1
            }
            return true
        }
        // Eight at a time, the last eight perhaps a second time.
        var index = 0
        let last = count &- 8
        while true {
            let (one, two) = (
                place.loadUnaligned(fromByteOffset: index, as: UInt64.self),
                other.loadUnaligned(fromByteOffset: index, as: UInt64.self)
            )
            if one != two { return false }
            if index == last { return true }
            index = min(index &+ 8, last)
        }
    }

    /// Becomes that of another kind.
    /// - Parameter isKept: whether requests are to find it.
    fileprivate mutating func begin(_ kind: RecordKind, isKept: Bool) {
        names.removeAll()
        for index in 0..<RecordKind.nameCount where isKept {
            names.append(kind.names[index])
            counts[index] = UInt16(truncatingIfNeeded: kind.names[index].count)
        }
        numbers = kind.numbers
        literals = isKept ? (kind.literals.outcome, kind.literals.door) : (nil, nil)
        line.removeAll()
        serverSpan.removeAll()
        modelSpan.removeAll()
        generation.removeAll()
        series = nil
        doorCounts = nil
    }
}

/// The templates of one worker.
package final class RecordTemplates {
    /// Kinds that are kept; a further one takes the place of another.
    package static let countMax = 64

    /// Those that are kept, and behind them the one of what is not.
    private let places: UnsafeMutablePointer<RecordTemplate>
    private let untraced = TraceRecord()

    package init() {
        places = .allocate(capacity: Self.countMax + 1)
        for index in 0...Self.countMax { (places + index).initialize(to: RecordTemplate()) }
    }

    deinit {
        places.deinitialize(count: Self.countMax + 1)
        places.deallocate()
    }

    /// The template of a request that nobody traces.
    package func template(of record: AccessRecord) -> UnsafeMutablePointer<RecordTemplate> {
        template(of: record, untraced)
    }

    /// The template of a request's kind, until the next one is asked for.
    package func template(
        of record: AccessRecord, _ trace: TraceRecord
    ) -> UnsafeMutablePointer<RecordTemplate> {
        let kind = RecordKind(record, trace)
        if kind.isLikely {
            let index = Int(truncatingIfNeeded: kind.hash &>> 58)
            let place = places + index
            if place.pointee.isOf(kind) { return place }
            var byteCount = 0
            for index in 0..<RecordKind.nameCount { byteCount += kind.names[index].count }
            if byteCount <= RecordTemplate.nameBytesMax {
                place.pointee.begin(kind, isKept: true)
                return place
            }
        }
        let place = places + Self.countMax
        place.pointee.begin(kind, isKept: false)
        return place
    }

    /// Forgets all kinds: what was said of them may have changed.
    package func removeAll() {
        for index in 0...Self.countMax { places[index] = RecordTemplate() }
    }
}
