// RecordTemplates.swift — what the records of requests of one kind have in common, kept as the bytes that
// lines and spans are made of, and where such requests are counted. Most requests are like one that came
// before, but for their ids, times and numbers. Pure; bounded: kinds are made of what clients send.

import GatewayModel
import ReactorCore

/// What tells one kind of requests from another, besides the names themselves.
private struct RecordKind {
    /// The names' lengths, a byte each.
    var counts: UInt64 = 0
    /// How it ended, and what else has few values.
    var numbers = UInt64.max
    /// Literals, by where they lie; and what a provider's kind is called, which lies where it does as
    /// long as its configuration holds.
    var outcome: UnsafePointer<UInt8>?
    var door: UnsafePointer<UInt8>?
    var method: UnsafePointer<UInt8>?
    var system: UnsafePointer<UInt8>?

    /// No request is of it.
    init() {}

    @inline(__always)
    init(_ record: AccessRecord, _ trace: TraceRecord) {
        counts =
            UInt64(truncatingIfNeeded: record.path.count)
            | UInt64(truncatingIfNeeded: record.key.count) &<< 8
            | UInt64(truncatingIfNeeded: record.requestedModel.count) &<< 16
            | UInt64(truncatingIfNeeded: record.upstreamModel.count) &<< 24
            | UInt64(truncatingIfNeeded: record.provider.count) &<< 32
            | UInt64(truncatingIfNeeded: record.reportedModel.count) &<< 40
            | UInt64(truncatingIfNeeded: trace.host.count) &<< 48
        let flags =
            (record.streams ? 1 : 0) | (trace.tags.isEmpty ? 0 : 2) | (trace.reachedModel ? 4 : 0)
        let reason = record.finishReason.map(Self.number) ?? 0
        numbers =
            UInt64(truncatingIfNeeded: record.status)
            | UInt64(truncatingIfNeeded: record.attempts) &<< 16
            | UInt64(truncatingIfNeeded: flags | reason &<< 4) &<< 24
            | UInt64(truncatingIfNeeded: trace.temperature.count) &<< 32
            | UInt64(truncatingIfNeeded: trace.topP.count) &<< 40
            | UInt64(truncatingIfNeeded: trace.port) &<< 48
        outcome = record.outcome.utf8Start
        door = record.door.utf8Start
        method = record.method.base
        system = trace.system.base
    }

    /// Whether all words are the same ones. The compiler's own comparison is a call that copies both.
    @inline(__always)
    func isSame(as other: RecordKind) -> Bool {
        counts == other.counts && numbers == other.numbers && outcome == other.outcome
            && door == other.door && method == other.method && system == other.system
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

    /// Whether the words above hold all of it, and whether there are ever two of it: what reached no
    /// provider is as various as mistakes are.
    @inline(__always)
    static func isLikely(_ record: AccessRecord, _ trace: TraceRecord) -> Bool {
        let counts =
            record.path.count | record.key.count | record.requestedModel.count
            | record.upstreamModel.count | record.provider.count | record.reportedModel.count
            | trace.host.count | trace.temperature.count | trace.topP.count | record.attempts
        return counts < 256 && !record.provider.isEmpty && record.status < 65_536
    }

    /// Of what tells kinds apart in practice.
    @inline(__always)
    func hash(_ record: AccessRecord) -> UInt64 {
        var hash = numbers ^ counts
        hash = Self.mix(hash, record.key)
        hash = Self.mix(hash, record.requestedModel)
        hash = Self.mix(hash, record.upstreamModel)
        return Self.mix(hash, record.provider)
    }

    /// Mixes in the end of a name.
    @inline(__always)
    private static func mix(_ hash: UInt64, _ name: ByteSlice) -> UInt64 {
        let count = name.count
        let bytes = UnsafeRawPointer(name.base)
        var word: UInt64 = 0
        if count >= 8 {
            word = bytes.loadUnaligned(fromByteOffset: count &- 8, as: UInt64.self)
        } else if count >= 4 {
            let first = bytes.loadUnaligned(as: UInt32.self)
            let last = bytes.loadUnaligned(fromByteOffset: count &- 4, as: UInt32.self)
            word = UInt64(first) &<< 32 | UInt64(last)
        } else {
            for index in 0..<count { word = word &<< 8 | UInt64(name.base[index]) }
        }
        let mixed = (hash ^ word) &* 0x9E37_79B9_7F4A_7C15
        return mixed ^ mixed &>> 29
    }
}

/// The bytes and counts of one kind. What is empty has not been asked for yet.
package struct RecordTemplate: ~Copyable {
    private var kind = RecordKind()
    /// One behind the other.
    private var names = ByteBuffer()

    /// How important its lines are.
    package private(set) var level = LogLevel.info
    /// Whether all went well.
    private(set) var isOK = true
    /// Of a line in the log.
    var line = ByteBuffer()
    /// Of a span, from its name to its attributes.
    var serverSpan = ByteBuffer()
    var modelSpan = ByteBuffer()
    var generation = ByteBuffer()
    /// Where it is counted; nil where others are counted with it, or it is not known yet.
    var series: Unmanaged<ModelSeries>?
    var door: DoorPlace?

    fileprivate init() {}

    /// Whether a request, whose kind has these words, is of this one.
    @inline(__always)
    fileprivate func isOf(
        _ kind: RecordKind, _ record: AccessRecord, _ trace: TraceRecord
    ) -> Bool {
        guard self.kind.isSame(as: kind) else { return false }
        var place = UnsafeRawPointer(names.slice.base)
        return Self.passes(&place, record.path) && Self.passes(&place, record.key)
            && Self.passes(&place, record.requestedModel)
            && Self.passes(&place, record.upstreamModel) && Self.passes(&place, record.provider)
            && Self.passes(&place, record.reportedModel) && Self.passes(&place, trace.host)
            && Self.passes(&place, trace.temperature) && Self.passes(&place, trace.topP)
    }

    /// Whether `name` is at `place`, which then moves behind it. Names are short: a few words are
    /// compared before a call has found its way.
    @inline(__always)
    private static func passes(_ place: inout UnsafeRawPointer, _ name: ByteSlice) -> Bool {
        let (mine, other, count) = (place, UnsafeRawPointer(name.base), name.count)
        place += count
        if count >= 8 {
            // Eight at a time, the last eight perhaps a second time.
            let last = count &- 8
            if count > 16 {
                var index = 8
                repeat {
                    if word(mine, index) != word(other, index) { return false }
                    index &+= 8
                } while index < last
            }
            return (word(mine, 0) ^ word(other, 0)) | (word(mine, last) ^ word(other, last)) == 0
        }
        if count >= 4 {
            return mine.loadUnaligned(as: UInt32.self) == other.loadUnaligned(as: UInt32.self)
                && mine.loadUnaligned(fromByteOffset: count &- 4, as: UInt32.self)
                    == other.loadUnaligned(fromByteOffset: count &- 4, as: UInt32.self)
        }
        for index in 0..<count
        where mine.load(fromByteOffset: index, as: UInt8.self)
            != other.load(fromByteOffset: index, as: UInt8.self)
        { return false }
        return true
    }

    @inline(__always)
    private static func word(_ bytes: UnsafeRawPointer, _ offset: Int) -> UInt64 {
        bytes.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
    }

    /// Becomes that of another kind; of none that a request could find, where there is no `kind`.
    fileprivate mutating func begin(
        _ kind: RecordKind?, _ record: AccessRecord, _ trace: TraceRecord
    ) {
        self.kind = kind ?? RecordKind()
        names.removeAll()
        if kind != nil {
            names.append(record.path)
            names.append(record.key)
            names.append(record.requestedModel)
            names.append(record.upstreamModel)
            names.append(record.provider)
            names.append(record.reportedModel)
            names.append(trace.host)
            names.append(trace.temperature)
            names.append(trace.topP)
        }
        level = record.level
        isOK = record.outcome.isSame(as: "ok")
        line.removeAll()
        serverSpan.removeAll()
        modelSpan.removeAll()
        generation.removeAll()
        series = nil
        door = nil
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
    package func template(
        of record: AccessRecord, known: inout Int
    ) -> UnsafeMutablePointer<RecordTemplate> { template(of: record, untraced, known: &known) }

    /// The template of a request's kind, until the next one is asked for. Its method is a literal, as its
    /// outcome and its door are.
    ///
    /// - Parameter known: where the last one of the same client was, which is looked at first; clients
    ///   repeat themselves. Any number of a former call, or 0.
    package func template(
        of record: AccessRecord, _ trace: TraceRecord, known: inout Int
    ) -> UnsafeMutablePointer<RecordTemplate> {
        guard RecordKind.isLikely(record, trace) else {
            let place = places + Self.countMax
            place.pointee.begin(nil, record, trace)
            return place
        }
        let kind = RecordKind(record, trace)
        let last = places + known & (Self.countMax - 1)
        if last.pointee.isOf(kind, record, trace) { return last }
        known = Int(truncatingIfNeeded: kind.hash(record) &>> 58)
        let place = places + known
        if !place.pointee.isOf(kind, record, trace) { place.pointee.begin(kind, record, trace) }
        return place
    }

    /// The template of a request of which there was none before.
    package func template(
        of record: AccessRecord, _ trace: TraceRecord? = nil
    ) -> UnsafeMutablePointer<RecordTemplate> {
        var known = 0
        return template(of: record, trace ?? untraced, known: &known)
    }

    /// Forgets all kinds: what was said of them may have changed.
    package func removeAll() {
        for index in 0...Self.countMax { places[index] = RecordTemplate() }
    }
}
