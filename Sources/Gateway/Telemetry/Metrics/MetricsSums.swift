// MetricsSums.swift — what all workers have counted, added up at one moment: what exporters write.

import ReactorCore

/// The sums over all workers.
package struct MetricsSums {
    /// One provider and model.
    package struct Series {
        package var provider: String
        package var model: String
        /// What it was asked to do; nil: anything.
        package var operation: ModelOperation?
        package var counts = RequestCounts()
        /// The last of all workers'; empty where none has an id that may be told.
        package var exemplar = Exemplar()

        fileprivate var order: (String, String, Int) { (provider, model, operation?.rawValue ?? 0) }
    }

    /// In the order of their names.
    package var series: [Series] = []
    package var doors: [DoorCounts] = []
    /// The gateway's own share of requests that reached a provider.
    package var overhead = Histogram()

    /// All models together.
    package var total: RequestCounts {
        var total = RequestCounts()
        for series in series { total += series.counts }
        return total
    }

    /// - Parameter byOperation: whether a model has a series for each thing that it was asked to do.
    init(_ area: SeriesArea, byOperation: Bool = false) {
        area.forEach { slot, kind, provider, model in
            var counts = RequestCounts()
            switch kind {
            case .model, .textModel, .embeddingModel:
                area.sum(slot, into: &counts)
                var one = Series(provider: provider.string, model: model.string)
                if byOperation { one.operation = kind.operation }
                (one.counts, one.exemplar) = (counts, area.exemplar(slot))
                add(one)
            case .door:
                area.sum(slot, into: &counts)
                add(counts.doors, model)
            case .overhead:
                area.sum(slot, into: &counts)
                overhead += counts.duration
            case .provider, .exporter, .process: break
            }
        }
        series.sort { $0.order < $1.order }
        doors.sort { $0.door < $1.door }
    }

    private mutating func add(_ one: Series) {
        // A name comes once for each operation, and twice where a worker died while it entered it.
        guard let index = series.firstIndex(where: { $0.order == one.order }) else {
            return series.append(one)
        }
        series[index].counts += one.counts
        if one.exemplar.isLater(than: series[index].exemplar) {
            series[index].exemplar = one.exemplar
        }
    }

    private mutating func add(_ tally: DoorTally, _ door: ByteSlice) {
        let name = door.string
        if let index = doors.firstIndex(where: { $0.door == name }) {
            doors[index].tally += tally
        } else {
            doors.append(DoorCounts(door: name, tally: tally))
        }
    }
}
