// Exporters.swift — all exporters of a worker: takes each request's record and gives it to those that
// asked for it; tells the metrics each so often. A shell.

import GatewayConfig
import GatewayExchange
import GatewayTelemetry
import Reactor
import ReactorCore

/// The exporters of one configuration.
package final class Exporters {
    /// How long the end of the process may wait for collectors.
    package static let finishTime: Duration = .seconds(5)

    private unowned(unsafe) let worker: Worker
    private var exporters: [Exporter] = []
    /// Those of them that are told of every request.
    private var spans: Unmanaged<Exporter>?
    private var generations: Unmanaged<Exporter>?
    private var clocks: [MetricsClock] = []
    private var deadline: LoopTimer?
    private var registration: MemoryRegistration?
    private var unfinishedCount = 0

    /// - Parameters:
    ///   - report: the worker's numbers at this moment.
    ///   - tell: hears of each exporter what is worth a line in the log.
    package init(
        worker: Worker, targets: [ExportTarget], report: @escaping () -> GatewayReport,
        tell: @escaping (String, ExportEvent) -> Void
    ) {
        self.worker = worker
        for target in targets {
            let name = target.name
            let exporter = Exporter(
                worker.loop, target: target, seed: worker.random.next(),
                figures: worker.metrics.figures.exporter(name),
                tell: { tell(name, $0) })
            exporters.append(exporter)
            switch target.form {
            case .spans: spans = Unmanaged.passUnretained(exporter)
            case .generations: generations = Unmanaged.passUnretained(exporter)
            case .metrics(let interval): addClock(of: exporter, report, each: interval)
            }
        }
        registration = worker.loop.register(self)
    }

    private func addClock(
        of exporter: Exporter, _ report: @escaping () -> GatewayReport, each interval: Duration
    ) {
        clocks.append(
            MetricsClock(worker.loop, interval) { [unowned(unsafe) worker] in
                exporter.append {
                    OTLPMetricsEncoder.append(report(), worker.metrics, to: &$0)
                }
            })
    }

    /// Whether there is anything to do.
    package var isEmpty: Bool { exporters.isEmpty }

    /// Tells all workers what each has done.
    package func publish() { for exporter in exporters { exporter.publish() } }

    /// Sends what is left, for a while, then calls `done`. Once.
    package func finish(within time: Duration, _ done: @escaping () -> Void) {
        // What happened since the last time is told too.
        clocks.forEach { $0.close() }
        clocks = []
        guard !exporters.isEmpty else { return done() }
        unfinishedCount = exporters.count
        deadline = LoopTimer(worker.loop) { [unowned(unsafe) self] in abandon() }
        deadline?.set(worker.loop.now + time)
        for exporter in exporters {
            exporter.finish { [self] in
                unfinishedCount -= 1
                guard unfinishedCount == 0 else { return }
                deadline?.cancel()
                deadline = nil
                done()
            }
        }
    }

    /// Gives up what is left.
    package func abandon() { for exporter in exporters { exporter.abandon() } }
}

extension Exporters: TraceSink {
    package func take(
        _ trace: TraceRecord, _ record: AccessRecord,
        _ template: UnsafeMutablePointer<RecordTemplate>
    ) {
        if trace.isForSpans, let spans {
            spans._withUnsafeGuaranteedRef { exporter in
                exporter.append {
                    OTLPSpanEncoder.append(trace, record, &template.pointee, to: &$0)
                }
            }
        }
        if trace.isForGenerations, let generations {
            generations._withUnsafeGuaranteedRef { give(trace, record, template, to: $0) }
        }
    }

    private func give(
        _ trace: TraceRecord, _ record: AccessRecord,
        _ template: UnsafeMutablePointer<RecordTemplate>, to exporter: Exporter
    ) {
        switch exporter.form {
        case .generations(let encoder, .otlp):
            exporter.append { encoder.append(span: trace, record, &template.pointee, to: &$0) }
        case .generations(let encoder, .ingestion):
            exporter.append { encoder.append(events: trace, record, to: &$0) }
        case .spans, .metrics: break
        }
    }
}

extension Exporters: MemoryHolder {
    package func releaseMemory() { for exporter in exporters { exporter.releaseMemory() } }
}

/// Has metrics told each so often, and once at the end.
private final class MetricsClock {
    private let interval: Duration
    private unowned(unsafe) let loop: EventLoop
    private let tell: () -> Void
    private var timer: LoopTimer?

    init(_ loop: EventLoop, _ interval: Duration, _ tell: @escaping () -> Void) {
        self.loop = loop
        self.interval = interval
        self.tell = tell
        timer = LoopTimer(loop) { [unowned(unsafe) self] in passed() }
        timer?.set(loop.now + interval)
    }

    private func passed() {
        tell()
        timer?.set(loop.now + interval)
    }

    func close() {
        tell()
        timer?.cancel()
        timer = nil
    }
}
