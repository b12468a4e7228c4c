// ModelSeries.swift — the counts of one provider, model and operation, and the table of all of them, which is
// bounded: model names come from clients.

import GatewayModel
import ReactorCore

/// One provider and model, and what it is asked to do.
package final class ModelSeries {
    package let provider: String
    package let model: String
    let operation: ModelOperation
    let hash: UInt64
    /// Where its names stand in the area.
    let place: Int
    /// This worker's, where every worker can read them.
    private let pointer: UnsafeMutablePointer<RequestCounts>
    /// The last request whose id is short enough to be told, where every worker can read it.
    private let exemplar: VersionedWords
    /// Nil where none is known, and for models that have no series of their own.
    var price: Price?
    /// Whether it stands for all such models.
    let isShared: Bool

    init(
        provider: ByteSlice, model: ByteSlice, operation: ModelOperation, hash: UInt64,
        place: Int, price: Price?, isShared: Bool, counts: UnsafeMutablePointer<RequestCounts>,
        exemplar: VersionedWords
    ) {
        pointer = counts
        self.place = place
        self.exemplar = exemplar
        self.provider = provider.string
        self.model = model.string
        self.operation = operation
        self.hash = hash
        self.price = price
        self.isShared = isShared
    }

    /// Counts a request that has ended.
    func record(_ record: AccessRecord, cost: Int?) {
        pointer.pointee.record(record, cost: cost)
        let id = record.requestID
        guard !id.isEmpty, id.count <= Exemplar.bytesMax else { return }
        exemplar.write { $0.assumingMemoryBound(to: Exemplar.self).pointee.record(record) }
    }

    func isNamed(
        _ provider: ByteSlice, _ model: ByteSlice, _ operation: ModelOperation
    ) -> Bool {
        self.operation == operation && self.model.withByteSlice { $0 == model }
            && self.provider.withByteSlice { $0 == provider }
    }
}

/// A request that stands for its bucket.
package struct Exemplar: Sendable {
    /// An id may take so many bytes; OpenMetrics allows 128 characters with its label's name.
    package static let bytesMax = 64

    private var bytes = InlineArray<64, UInt8>(repeating: 0)
    private var count = 0
    package private(set) var microseconds = 0
    package private(set) var seconds = 0
    package private(set) var milliseconds = 0

    package init() {}

    package var isEmpty: Bool { count == 0 }

    /// An id is ASCII wherever it comes from; what is not would need more characters.
    package var requestID: String {
        var text = ""
        for index in 0..<count { text.unicodeScalars.append(Unicode.Scalar(bytes[index] & 0x7F)) }
        return text
    }

    /// Whether its request ended behind the other's.
    func isLater(than other: Exemplar) -> Bool {
        (seconds, milliseconds) > (other.seconds, other.milliseconds)
    }

    /// Takes a request whose id has a place here.
    fileprivate mutating func record(_ record: AccessRecord) {
        let id = record.requestID
        withUnsafeMutableBytes(of: &bytes) { $0.copyMemory(from: id.raw) }
        count = id.count
        microseconds = record.durationMicroseconds
        seconds = record.secondsSince1970
        milliseconds = record.milliseconds
    }
}

/// All series of a worker. A new model opens one when a request to it has succeeded, as long as there
/// is room; everything else counts as its provider's `other`. The names are those of all workers.
package struct SeriesTable {
    /// Series by name and operation; those named `other` come on top, one a provider and operation.
    package static let countMax = 256
    package static let otherCountMax = 64
    package static let other: StaticString = "other"
    private static let slotCount = 1024

    private let area: SeriesArea
    private let process: Int
    /// In the order of their opening here.
    private var all: [ModelSeries] = []
    private var slots = [Int16](repeating: -1, count: SeriesTable.slotCount)

    init(_ area: SeriesArea, process: Int) {
        self.area = area
        self.process = process
    }

    /// The series of a request; opens one where it may.
    mutating func series(
        provider: ByteSlice, model: ByteSlice, _ operation: ModelOperation, succeeded: Bool,
        prices: PriceTable
    ) -> ModelSeries {
        let hash = SeriesArea.hash(provider, model)
        if let known = find(provider, model, operation, hash) { return known }
        // Another worker may have opened it.
        let kind = SeriesArea.Kind.model(for: operation)
        var place = area.find(kind, provider, model, hash: hash)
        if place == nil, succeeded, area.namedCount.value < Self.countMax {
            place = area.enter(kind, provider, model, hash: hash)
            if place != nil { area.namedCount.add(1) }
        }
        if let place {
            let price = prices.price(provider: provider, model: model)
            return open(provider, model, operation, hash, at: place, price: price)
        }
        return shared(provider, operation)
    }

    /// What stands for all models of a provider that have no series of their own.
    private mutating func shared(
        _ provider: ByteSlice, _ operation: ModelOperation
    ) -> ModelSeries {
        let other = ByteSlice(Self.other)
        var hash = SeriesArea.hash(provider, other)
        if let known = find(provider, other, operation, hash) { return known }
        let kind = SeriesArea.Kind.model(for: operation)
        var place = area.find(kind, provider, other, hash: hash)
        if place == nil, area.otherCount.value < Self.otherCountMax {
            place = area.enter(kind, provider, other, hash: hash)
            if place != nil { area.otherCount.add(1) }
        }
        if let place { return open(provider, other, operation, hash, at: place, price: nil) }
        // Providers change by reloads only; above the bound they share one.
        hash = SeriesArea.hash(other, other)
        if let known = find(other, other, operation, hash) { return known }
        guard let place = area.enter(kind, other, other, hash: hash) else {
            preconditionFailure("no room for the last of all series")
        }
        return open(other, other, operation, hash, at: place, price: nil)
    }

    /// Takes the prices anew.
    mutating func reprice(by prices: PriceTable) {
        for series in all where !series.isShared {
            series.price = series.provider.withByteSlice { provider in
                series.model.withByteSlice { prices.price(provider: provider, model: $0) }
            }
        }
    }

    private func find(
        _ provider: ByteSlice, _ model: ByteSlice, _ operation: ModelOperation, _ hash: UInt64
    ) -> ModelSeries? {
        var slot = Int(hash % UInt64(Self.slotCount))
        while slots[slot] >= 0 {
            let series = all[Int(slots[slot])]
            if series.hash == hash, series.isNamed(provider, model, operation) { return series }
            slot = (slot + 1) % Self.slotCount
        }
        return nil
    }

    private mutating func open(
        _ provider: ByteSlice, _ model: ByteSlice, _ operation: ModelOperation, _ hash: UInt64,
        at place: Int, price: Price?
    ) -> ModelSeries {
        let series = ModelSeries(
            provider: provider, model: model, operation: operation, hash: hash, place: place,
            price: price, isShared: model == Self.other,
            counts: area.counts(place, process: process),
            exemplar: area.exemplar(place, process: process))
        var slot = Int(hash % UInt64(Self.slotCount))
        while slots[slot] >= 0 { slot = (slot + 1) % Self.slotCount }
        slots[slot] = Int16(all.count)
        all.append(series)
        return series
    }
}
