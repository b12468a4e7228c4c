// Exchange+Log.swift — what a request that has ended leaves behind: its line in the log, what it adds
// to the counters and to the metrics, its record for exporters.

import GatewayDoors
import GatewayModel
import GatewayProviders
import GatewayTelemetry
import GatewayTools
import ReactorCore

extension Exchange {
    var observedUsage: Usage? {
        if let translation { return translation.usage }
        if let messagesObserver { return messagesObserver.usage }
        if let responsesObserver { return responsesObserver.usage }
        return unaryUsage ?? (isStreamed ? streamObserver.usage : nil)
    }

    private var observedFinishReason: FinishReason? {
        if let translation { return translation.finishReason }
        if let messagesObserver { return messagesObserver.finishReason }
        if let responsesObserver { return responsesObserver.finishReason }
        return unaryFinishReason ?? (isStreamed ? streamObserver.finishReason : nil)
    }

    func log(_ outcome: StaticString) {
        let usage = observedUsage
        if let usage {
            worker.counters.inputTokens += usage.inputTokens
            worker.counters.outputTokens += usage.outputTokens
        }
        if attempts > 1 { worker.counters.retries += 1 }
        let repairs = self.repairs
        let isRepaired = !repairs.isEmpty
        if isRepaired { count(repairs) }
        if looped != nil, let loop = translation?.loop, loop.callCount > 0 { count(loop) }
        guard isTold else { return }
        worker.tell(of: self, outcome, usage, repairs)
    }

    /// Whether the log, metrics or exporters are told of this request.
    private var isTold: Bool {
        snapshot.observability.logsRequests || snapshot.observability.countsRequests
            || trace != nil
    }

    /// Fills in what all that are told have in common.
    fileprivate func fill(
        _ record: AccessRecord, _ outcome: StaticString, _ usage: Usage?, _ now: Instant
    ) {
        record.requestID = requestID.slice
        record.method = ByteSlice(method.token)
        record.path = path.slice
        record.status = status
        record.outcome = outcome
        // Without counting a reference: the snapshot has the table for good.
        record.key = Unmanaged.passUnretained(snapshot.keys)._withUnsafeGuaranteedRef {
            $0.name(admission)
        }
        record.requestedModel = requestedModel.slice
        record.upstreamModel = upstreamModel.slice
        record.provider = upstream?.nameBytes ?? .empty
        record.streams = isStreamed
        record.attempts = attempts
        record.requestBytes = requestBytes
        record.durationMicroseconds = Int(now.nanoseconds(since: began) / 1000)
        if let firstEvent {
            record.firstEventMicroseconds = Int(firstEvent.nanoseconds(since: received) / 1000)
        }
        record.overheadMicroseconds = overheadMicroseconds
        record.usage = usage
        record.finishReason = observedFinishReason
        record.error = failureText.slice
        record.door = door.name
        if let rerouting { record.departures = rerouting.departures.slice }
        fillNames(record)
    }

    /// Fills in what only metrics ask for.
    fileprivate func fillMetrics(_ record: AccessRecord, _ now: Instant) {
        record.isModelless = !door.takesModel
        // `dispatched` may be an earlier request's.
        if dispatched > received {
            record.upstreamMicroseconds = Int(now.nanoseconds(since: dispatched) / 1000)
        }
        if let firstEvent {
            record.streamMicroseconds = Int(now.nanoseconds(since: firstEvent) / 1000)
        }
        if let translation { record.droppedParameters = translation.call.droppedCount }
    }

    // MARK: Names

    /// Before the answer to a request.
    func awaitNames() {
        let isAsked = door.takesModel && (snapshot.observability.logsRequests || trace != nil)
        namingEvents = isAsked ? Self.namingEventsMax : 0
    }

    /// Some dialects begin with an event that names nothing.
    private static let namingEventsMax = 4

    /// An event of a stream that is relayed, of which the first that says so names answer and model.
    func noteNames(in event: ByteSlice) {
        let sketch = AnswerSketch(of: event)
        namingEvents = sketch.model.isEmpty ? namingEvents - 1 : 0
        note(sketch)
    }

    /// A whole answer, as it stands before it may be changed.
    func noteNames(id: Range<Int>?, model: Range<Int>?) {
        guard namingEvents > 0 else { return }
        namingEvents = 0
        if let id { trace?.take(id: answer.slice[id]) }
        if let model { RequestTrace.append(answer.slice[model], to: &reportedModel) }
    }

    private func note(_ sketch: AnswerSketch) {
        if !sketch.id.isEmpty { trace?.take(id: sketch.id) }
        RequestTrace.append(sketch.model, to: &reportedModel)
    }

    /// Fills in the model by the provider's own word, and tells the trace the answer's id.
    private func fillNames(_ record: AccessRecord) {
        if let translation { return record.reportedModel = translation.reportedModel.slice }
        if let answerPlaces { return fillNames(record, from: answerPlaces) }
        if namingEvents > 0, head.isSuccess, !isStreamed, !answer.isEmpty {
            note(AnswerSketch(of: answer.slice))
        }
        record.reportedModel = reportedModel.slice
    }

    /// From where the one look at the answer has found them.
    private func fillNames(_ record: AccessRecord, from places: ChatResponseObserver.Places) {
        let answer = answer.slice
        if let id = places.id { trace?.note(id: answer[id]) }
        guard let model = places.model.map({ answer[$0] }) else { return }
        if places.hasEscapes {
            RequestTrace.append(model, to: &reportedModel)
            record.reportedModel = reportedModel.slice
        } else {
            record.reportedModel = model.prefixed(by: RequestTrace.nameBytesMax)
        }
    }

    // MARK: Repairs

    private func count(_ repairs: RepairCounts) {
        worker.counters.repairs += repairs.total
        for kind in RepairCounts.Kind.allCases where repairs[kind] > 0 {
            worker.counters.add(repairs: repairs[kind], ofKind: kind.rawValue)
        }
    }

    private func count(_ loop: ToolLoopMachine) {
        worker.counters.builtInRounds += loop.rounds
        for (function, count) in loop.counts.enumerated() where count > 0 {
            worker.counters.add(builtInCalls: count, of: function)
        }
    }
}

extension Worker {
    /// Tells log, metrics and exporters of a request that has ended. Here, since a function counts no
    /// references to what its own object has for good.
    fileprivate func tell(
        of exchange: Exchange, _ outcome: StaticString, _ usage: Usage?, _ repairs: RepairCounts
    ) {
        let now = loop.clock()
        record.reset()
        let end = loop.wallNanoseconds(at: now)
        record.setTime(nanosecondsSince1970: end)
        exchange.fill(record, outcome, usage, now)
        let template: UnsafeMutablePointer<RecordTemplate>
        if let trace = exchange.trace.take() {
            trace.complete(of: exchange, record, now, end: end)
            template = trace.template(of: record, in: templates, known: &exchange.templatePlace)
            measure(exchange, &template.pointee, now)
            if let outletPlace { trace.tell(outletPlace, record, template) }
            giveTrace(trace)
        } else {
            template = templates.template(of: record, known: &exchange.templatePlace)
            measure(exchange, &template.pointee, now)
        }
        guard exchange.snapshot.observability.logsRequests else { return }
        if exchange.looped != nil || !repairs.isEmpty {
            return log(record, template, repairs, exchange.translation?.loop)
        }
        guard log.takes(template.pointee.level) else { return }
        log.append { lines.append(record, &template.pointee, as: logFormat, to: &$0) }
    }

    /// Counts the request, and learns its cost.
    private func measure(
        _ exchange: Exchange, _ template: inout RecordTemplate, _ now: Instant
    ) {
        guard exchange.snapshot.observability.countsRequests else { return }
        exchange.fillMetrics(record, now)
        record.cost = metrics.record(record, &template)
    }

    private func log(
        _ record: AccessRecord, _ template: UnsafeMutablePointer<RecordTemplate>,
        _ repairs: RepairCounts, _ loop: ToolLoopMachine?
    ) {
        var text = ByteBuffer()
        repairs.append(to: &text)
        record.repairs = text.slice
        var calls = ByteBuffer()
        if let loop, loop.callCount > 0 {
            loop.appendCounts(to: &calls)
            record.builtInRounds = loop.rounds
            record.builtInCalls = calls.slice
        }
        guard log.takes(record.level) else { return }
        log.append {
            lines.append(record, &template.pointee, as: logFormat, to: &$0)
            guard repairs.mendedJSON else { return }
            lines.append(RepairCounts.logMessage, of: record, as: logFormat, to: &$0)
        }
    }
}
