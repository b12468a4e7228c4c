// ModelSeries.swift — the counts of one provider and model, and the table of all of them, which is
// bounded: model names come from clients.

import GatewayModel
import ReactorCore

/// One provider and model.
package final class ModelSeries {
    package let provider: String
    package let model: String
    let hash: UInt64
    package internal(set) var counts = RequestCounts()
    /// The last request whose id is short enough to be told.
    package internal(set) var exemplar = Exemplar()
    /// Nil where none is known, and for models that have no series of their own.
    var price: Price?
    /// Whether it stands for all such models.
    let isShared: Bool

    init(provider: ByteSlice, model: ByteSlice, hash: UInt64, price: Price?, isShared: Bool) {
        self.provider = provider.string
        self.model = model.string
        self.hash = hash
        self.price = price
        self.isShared = isShared
    }

    func isNamed(_ provider: ByteSlice, _ model: ByteSlice) -> Bool {
        self.model.withByteSlice { $0 == model } && self.provider.withByteSlice { $0 == provider }
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

    mutating func record(_ record: AccessRecord) {
        let id = record.requestID
        guard !id.isEmpty, id.count <= Self.bytesMax else { return }
        withUnsafeMutableBytes(of: &bytes) { $0.copyMemory(from: id.raw) }
        count = id.count
        microseconds = record.durationMicroseconds
        seconds = record.secondsSince1970
        milliseconds = record.milliseconds
    }
}

/// All series of a worker. A new model opens one when a request to it has succeeded, as long as there
/// is room; everything else counts as its provider's `other`.
package struct SeriesTable {
    /// Series by name; those named `other` come on top, one a provider.
    package static let countMax = 256
    package static let otherCountMax = 64
    package static let other: StaticString = "other"
    private static let slotCount = 1024

    /// In the order of their opening.
    package private(set) var all: [ModelSeries] = []
    private var slots = [Int16](repeating: -1, count: SeriesTable.slotCount)
    private var namedCount = 0
    private var otherCount = 0

    package init() {}

    /// The series of a request; opens one where it may.
    mutating func series(
        provider: ByteSlice, model: ByteSlice, succeeded: Bool, prices: PriceTable
    ) -> ModelSeries {
        if let known = find(provider, model) { return known }
        if succeeded, namedCount < Self.countMax {
            namedCount += 1
            let price = prices.price(provider: provider, model: model)
            return open(provider, model, price: price)
        }
        let other = ByteSlice(Self.other)
        if let known = find(provider, other) { return known }
        // Providers change by reloads only; above the bound they share one.
        let name = otherCount < Self.otherCountMax ? provider : other
        if let known = find(name, other) { return known }
        otherCount += 1
        return open(name, other, price: nil)
    }

    /// Takes the prices anew.
    mutating func reprice(by prices: PriceTable) {
        for series in all where !series.isShared {
            series.price = series.provider.withByteSlice { provider in
                series.model.withByteSlice { prices.price(provider: provider, model: $0) }
            }
        }
    }

    private func find(_ provider: ByteSlice, _ model: ByteSlice) -> ModelSeries? {
        let hash = Self.hash(provider, model)
        var slot = Int(hash % UInt64(Self.slotCount))
        while slots[slot] >= 0 {
            let series = all[Int(slots[slot])]
            if series.hash == hash, series.isNamed(provider, model) { return series }
            slot = (slot + 1) % Self.slotCount
        }
        return nil
    }

    private mutating func open(
        _ provider: ByteSlice, _ model: ByteSlice, price: Price?
    ) -> ModelSeries {
        let hash = Self.hash(provider, model)
        let series = ModelSeries(
            provider: provider, model: model, hash: hash, price: price,
            isShared: model == Self.other)
        var slot = Int(hash % UInt64(Self.slotCount))
        while slots[slot] >= 0 { slot = (slot + 1) % Self.slotCount }
        slots[slot] = Int16(all.count)
        all.append(series)
        return series
    }

    /// FNV-1a. A client that chose collisions would make a chain of `countMax` at most.
    private static func hash(_ provider: ByteSlice, _ model: ByteSlice) -> UInt64 {
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
