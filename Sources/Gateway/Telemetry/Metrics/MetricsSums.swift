// MetricsSums.swift — what all workers have counted, added up at one moment: what exporters write.

import ReactorCore

/// The sums over all workers.
package struct MetricsSums {
    /// One provider and model.
    package struct Series {
        package var provider: String
        package var model: String
        package var counts = RequestCounts()
        /// The last of all workers'; empty where none has an id that may be told.
        package var exemplar = Exemplar()
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

    init(_ area: SeriesArea) {
        area.forEach { slot, kind, provider, model in
            var counts = RequestCounts()
            switch kind {
            case .model:
                area.sum(slot, into: &counts)
                add(counts, provider, model, area.exemplar(slot))
            case .door:
                area.sum(slot, into: &counts)
                add(counts.doors, model)
            case .overhead:
                area.sum(slot, into: &counts)
                overhead += counts.duration
            case .provider, .exporter, .process: break
            }
        }
        series.sort { ($0.provider, $0.model) < ($1.provider, $1.model) }
        doors.sort { $0.door < $1.door }
    }

    private mutating func add(
        _ counts: RequestCounts, _ provider: ByteSlice, _ model: ByteSlice, _ exemplar: Exemplar
    ) {
        let names = (provider.string, model.string)
        // A name comes twice where a worker died while it entered it.
        if let index = series.firstIndex(where: { ($0.provider, $0.model) == names }) {
            series[index].counts += counts
            return
        }
        series.append(
            Series(provider: names.0, model: names.1, counts: counts, exemplar: exemplar))
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
