// Exchange+Log.swift — what a request that has ended leaves behind: its line in the log, what it adds
// to the counters and to the metrics.

import GatewayDoors
import GatewayModel
import GatewayTelemetry
import GatewayTools
import ReactorCore

extension Exchange {
    var observedUsage: Usage? {
        if let translation { return translation.usage }
        if let messagesObserver { return messagesObserver.usage }
        if let responsesObserver { return responsesObserver.usage }
        if let unaryUsage { return unaryUsage }
        return isStreamed ? streamObserver.usage : responseObserver?.usage
    }

    private var observedFinishReason: FinishReason? {
        if let translation { return translation.finishReason }
        if let messagesObserver { return messagesObserver.finishReason }
        if let responsesObserver { return responsesObserver.finishReason }
        if let unaryFinishReason { return unaryFinishReason }
        return isStreamed ? streamObserver.finishReason : responseObserver?.finishReason
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
        let logs = snapshot.observability.logsRequests
        let trace = self.trace
        guard logs || snapshot.observability.countsRequests || trace != nil else { return }
        let loop = worker.loop
        let now = loop.clock()
        let record = worker.record
        record.reset()
        (record.secondsSince1970, record.milliseconds) = loop.wallClock
        record.requestID = requestID.slice
        record.method = ByteSlice(method.token)
        record.path = path.slice
        record.status = status
        record.outcome = outcome
        record.key = snapshot.keys.name(admission)
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
        let template: UnsafeMutablePointer<RecordTemplate>
        if let trace {
            complete(trace, record, upstream, now)
            let traced = trace.record
            if traced.isTold { record.trace = traced.trace }
            template = worker.templates.template(of: record, traced, known: &templatePlace)
        } else {
            template = worker.templates.template(of: record, known: &templatePlace)
        }
        if snapshot.observability.countsRequests { measure(record, now, template) }
        if let trace { finish(trace, record, template) }
        guard logs else { return }
        if isRepaired || looped != nil { return log(record, template, repairs) }
        guard worker.log.takes(template.pointee.level) else { return }
        worker.log.append {
            worker.lines.append(record, &template.pointee, as: worker.logFormat, to: &$0)
        }
    }

    private func log(
        _ record: AccessRecord, _ template: UnsafeMutablePointer<RecordTemplate>,
        _ repairs: RepairCounts
    ) {
        var text = ByteBuffer()
        repairs.append(to: &text)
        record.repairs = text.slice
        var calls = ByteBuffer()
        if let loop = translation?.loop, loop.callCount > 0 {
            loop.appendCounts(to: &calls)
            record.builtInRounds = loop.rounds
            record.builtInCalls = calls.slice
        }
        guard worker.log.takes(record.level) else { return }
        worker.log.append {
            worker.lines.append(record, &template.pointee, as: worker.logFormat, to: &$0)
            guard repairs.mendedJSON else { return }
            worker.lines.append(
                RepairCounts.logMessage, of: record, as: worker.logFormat, to: &$0)
        }
    }

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

    /// Fills in what only metrics ask for, counts the request, and learns its cost.
    private func measure(
        _ record: AccessRecord, _ now: Instant,
        _ template: UnsafeMutablePointer<RecordTemplate>
    ) {
        record.isModelless = !door.takesModel
        // `dispatched` may be an earlier request's.
        if dispatched > received {
            record.upstreamMicroseconds = Int(now.nanoseconds(since: dispatched) / 1000)
        }
        if let firstEvent {
            record.streamMicroseconds = Int(now.nanoseconds(since: firstEvent) / 1000)
        }
        if let translation { record.droppedParameters = translation.call.droppedCount }
        record.cost = worker.metrics.record(record, &template.pointee)
    }
}
