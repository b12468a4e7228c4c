// SimulatorScript.swift — one simulated answer as timed steps, to be played by a shell.
// Pure machine: no socket, no clock; waits are handed out, bytes are appended on demand.
// Imported by Exchange (the provider without a network) and by `gateway simulate`.

import GatewayCodec
import ReactorCore

/// A header field of an answer.
package struct SimulatorField: Sendable {
    package let name: StaticString
    package let value: StaticString
}

/// How an answer begins.
package struct SimulatorHead: Sendable {
    package var status = 200
    package var contentType: StaticString = "application/json"
    /// What the body will have; nil where that is not known yet (then it is sent in chunks).
    /// An answer that is cut off promises more than it sends.
    package var bodyBytes: Int?
    package var fields: [SimulatorField] = []
}

/// One step and the wait before it.
package struct SimulatorStep: Sendable {
    package enum Action: Sendable {
        /// The first step of every answer but `hang`.
        case head(SimulatorHead)
        /// Append what `SimulatorScript.write(into:)` yields before the next step is asked for.
        case body
        /// The answer is complete.
        case end
        /// Close the connection as it is.
        case cut
        /// Reset the connection.
        case reset
        /// Nothing more comes until the client leaves.
        case hang
    }

    /// Since the step before; since the request's last byte for the first.
    package var delayNanoseconds: UInt64
    package var action: Action
}

/// Plays one answer: `next()` until it is nil, and `write(into:)` at each `.body`.
///
/// Deterministic: settings, request, `created` and `ordinal` decide every step and byte. Texts
/// depend on seed and request alone; ids, jitter and failure rates also on the ordinal.
package struct SimulatorScript: ~Copyable {
    enum Phase {
        /// -> hang.
        case silent
        /// -> role, unit, item or body.
        case head
        /// The whole body is rendered; -> closing.
        case body
        /// One embedding after another; -> closing.
        case item
        /// Opens each choice of a chat stream; -> unit.
        case role
        /// Token by token, all choices in turn; -> finish or closing.
        case unit
        /// -> usage or done.
        case finish
        case usage
        case done
        /// The last step is due; -> closed.
        case closing(SimulatorStep.Action)
        case closed
    }

    /// What `write(into:)` appends.
    enum Payload {
        case none
        case body(bytes: Int)
        case item(Int)
        case role(choice: Int)
        case unit(SimulatorUnits.Unit, choice: Int)
        case finish(choice: Int)
        case brokenChunk
        case error
        case usage
        case done
    }

    static let slowFirstToken: Duration = .seconds(30)
    /// More inputs than this are written one at a time.
    static let wholeEmbeddingsMax = 16

    let request: SimulatorRequest
    let created: Int
    /// Of ids, jitter and failures.
    let ordinalSeed: UInt64
    /// A whole body, or what all chunks of a stream begin with.
    var rendered = ByteBuffer()
    var units: SimulatorUnits
    /// Tokens of one choice.
    let unitCount: Int
    /// Whether the request's limit ends the answer.
    let isCutShort: Bool
    var payload = Payload.none
    private var phase: Phase
    private var head = SimulatorHead()
    private var pace: SimulatorPace
    /// Breaks the answer off in its middle.
    private(set) var fault: SimulatorBehavior?
    /// Whether `rendered` is the body from the start, sent without a wait.
    private var isFixed = false
    private var currentUnit = SimulatorUnits.Unit.lorem(0)
    private var unit = 0
    private var choice = 0

    /// The answer to a request that was understood.
    package init(
        _ request: consuming SimulatorRequest, settings: borrowing SimulatorSettings, created: Int,
        ordinal: UInt64
    ) {
        let seed = SimulatorDraw.mix(settings.seed ^ SimulatorDraw.mix(ordinal))
        let behavior = request.behavior ?? Self.draw(settings, seed)
        units = request.units(settings, behavior)
        (unitCount, isCutShort) =
            request.endpoint == .embeddings ? (1, false) : units.measure(in: request.kept.slice)
        pace = SimulatorPace(settings, seed: seed)
        self.created = created
        ordinalSeed = SimulatorDraw.mix(seed ^ request.seed)
        self.request = request
        phase = .head
        if self.request.stream { head.contentType = "text/event-stream; charset=utf-8" }
        if let behavior { misbehave(behavior) }
    }

    /// An error answer.
    package init(_ refusal: SimulatorRefusal, fields: [SimulatorField] = []) {
        let head = SimulatorHead(status: refusal.status, fields: fields)
        self.init(answering: head) { refusal.write(into: &$0) }
    }

    /// A body that is known at once.
    init(answering head: SimulatorHead, _ write: (inout ByteBuffer) -> Void) {
        request = SimulatorRequest(.chatCompletions)
        created = 0
        ordinalSeed = 0
        units = SimulatorUnits(.lorem, answerTokens: 0, limit: 0)
        unitCount = 0
        isCutShort = false
        pace = SimulatorPace(SimulatorSettings(), seed: 0)
        phase = .head
        self.head = head
        write(&rendered)
        fixBody()
    }

    /// What befalls this request by the configured rates.
    private static func draw(
        _ settings: borrowing SimulatorSettings, _ seed: UInt64
    ) -> SimulatorBehavior? {
        guard !settings.failureRates.isEmpty else { return nil }
        var draw = SimulatorDraw.fraction(seed, .failure)
        for rate in settings.failureRates {
            if draw < rate.probability { return rate.behavior }
            draw -= rate.probability
        }
        return nil
    }

    private mutating func misbehave(_ behavior: SimulatorBehavior) {
        switch behavior {
        case .echo, .tool, .twoTools, .big: break
        case .hang: phase = .silent
        case .slow: pace.setFirst(Self.slowFirstToken)
        case .hangMid, .cut, .reset, .noDone, .badJSON: fault = behavior
        case .errorMid where request.stream: fault = behavior
        case .empty: fixBody()
        case .html:
            head.contentType = "text/html; charset=utf-8"
            rendered.append(ByteSlice("<!doctype html><title>Gateway</title><h1>It works</h1>\n"))
            fixBody()
        case .redirect:
            head = SimulatorHead(
                status: 307, fields: [SimulatorField(name: "location", value: "/v1/redirected")])
            fixBody()
        default:
            guard let refusal = SimulatorRefusal(behavior) else {
                preconditionFailure("\(behavior) is no error")
            }
            let isLate = behavior == .errorMid
            head = SimulatorHead(status: isLate ? 200 : refusal.status)
            if refusal.status == 429 || refusal.status == 503 {
                head.fields = [SimulatorField(name: "retry-after", value: "1")]
            }
            refusal.write(into: &rendered)
            fixBody()
        }
    }

    private mutating func fixBody() {
        isFixed = true
        head.bodyBytes = rendered.count
    }

    /// The answer to any request of the standalone service.
    package static func answer(
        method: ByteSlice, target: ByteSlice, body: ByteSlice, arena: JSONArena,
        settings: borrowing SimulatorSettings, created: Int, ordinal: UInt64
    ) -> SimulatorScript {
        do throws(SimulatorRefusal) {
            switch SimulatorRoute(method: method, target: target) {
            case .post(let endpoint):
                let request = try SimulatorRequest.decode(
                    endpoint, body, arena: arena, settings: settings)
                return SimulatorScript(
                    request, settings: settings, created: created, ordinal: ordinal)
            case .models:
                var list = ByteBuffer()
                SimulatorModels.writeList(settings, created: created, into: &list)
                return SimulatorScript(answering: SimulatorHead()) { $0.append(list.slice) }
            case .model(let name):
                guard settings.serves(name) else { throw .unknownModel(name) }
                return SimulatorScript(answering: SimulatorHead()) { out in
                    out.writeJSON {
                        SimulatorModels.writeModel(name.string, created: created, into: &$0)
                    }
                }
            case .health:
                return SimulatorScript(answering: SimulatorHead()) {
                    $0.append(ByteSlice(#"{"status":"ok"}"#))
                }
            case .wrongMethod(let allow):
                return SimulatorScript(
                    SimulatorRefusal("This path takes \(allow) only.", status: 405),
                    fields: [SimulatorField(name: "allow", value: allow)])
            case .unknown: throw SimulatorRefusal("Nothing is served at this path.", status: 404)
            }
        } catch {
            return SimulatorScript(error)
        }
    }

    /// The next step, or nil behind the last.
    package mutating func next() -> SimulatorStep? {
        payload = .none
        switch phase {
        case .silent:
            phase = .closed
            return SimulatorStep(delayNanoseconds: 0, action: .hang)
        case .head: return begin()
        case .body: return wholeBody()
        case .item: return nextItem()
        case .role: return nextRole()
        case .unit: return nextUnit()
        case .finish: return nextFinish()
        case .usage:
            phase = .done
            return body(.usage)
        case .done:
            phase = .closing(.end)
            return body(.done)
        case .closing(let action):
            phase = .closed
            return SimulatorStep(delayNanoseconds: 0, action: action)
        case .closed: return nil
        }
    }

    /// Appends an id for `x-request-id`.
    package func writeRequestID(into out: inout ByteBuffer) {
        out.append("req_" as StaticString)
        SimulatorDraw.appendIdentifier(24, ordinalSeed, .identifier, 1, into: &out)
    }

    // MARK: Steps

    private mutating func begin() -> SimulatorStep {
        if isFixed {
            phase = rendered.isEmpty ? .closing(.end) : .body
            return SimulatorStep(delayNanoseconds: 0, action: .head(head))
        }
        if request.stream {
            renderChunkStart()
            phase = request.endpoint == .chatCompletions ? .role : .unit
            return SimulatorStep(
                delayNanoseconds: pace.nanoseconds(before: 0), action: .head(head))
        }
        if request.endpoint == .embeddings, request.inputs > Self.wholeEmbeddingsMax {
            phase = .item
        } else {
            renderBody()
            phase = .body
            head.bodyBytes = rendered.count
        }
        return SimulatorStep(
            delayNanoseconds: pace.nanoseconds(untilLastOf: unitCount), action: .head(head))
    }

    private mutating func wholeBody() -> SimulatorStep {
        if let action = breakingAction {
            phase = .closing(action)
            return body(.body(bytes: rendered.count / 2))
        }
        phase = .closing(.end)
        return body(.body(bytes: rendered.count))
    }

    private mutating func nextItem() -> SimulatorStep {
        let index = unit
        unit += 1
        if unit == request.inputs {
            phase = .closing(.end)
        } else if let action = breakingAction, unit == request.inputs / 2 {
            phase = .closing(action)
        }
        return body(.item(index))
    }

    private mutating func nextRole() -> SimulatorStep {
        let opened = choice
        choice += 1
        if choice == request.choices {
            choice = 0
            phase = .unit
        }
        return body(.role(choice: opened))
    }

    private mutating func nextUnit() -> SimulatorStep? {
        let delay = unit == 0 ? 0 : pace.nanoseconds(before: unit)
        if choice == 0 {
            if fault != nil, unit == (unitCount + 1) / 2, let step = breakOff(delay) {
                return step
            }
            guard let token = units.next(in: request.kept.slice) else {
                phase = .finish
                return next()
            }
            currentUnit = token
        }
        let step = body(.unit(currentUnit, choice: choice), after: choice == 0 ? delay : 0)
        choice += 1
        if choice == request.choices {
            choice = 0
            unit += 1
        }
        return step
    }

    private mutating func nextFinish() -> SimulatorStep? {
        if fault == .noDone {
            phase = .closing(.end)
            return next()
        }
        let finished = choice
        choice += 1
        if choice == request.choices { phase = request.includeUsage ? .usage : .done }
        return body(.finish(choice: finished))
    }

    /// The middle of a stream is reached; nil where it goes on.
    private mutating func breakOff(_ delay: UInt64) -> SimulatorStep? {
        switch fault {
        case .badJSON:
            fault = nil
            return body(.brokenChunk, after: delay)
        case .errorMid:
            phase = .closing(.end)
            return body(.error, after: delay)
        default:
            guard let action = breakingAction else { return nil }
            phase = .closed
            return SimulatorStep(delayNanoseconds: delay, action: action)
        }
    }

    private var breakingAction: SimulatorStep.Action? {
        switch fault {
        case .cut: .cut
        case .reset: .reset
        case .hangMid: .hang
        default: nil
        }
    }

    private mutating func body(_ payload: Payload, after delay: UInt64 = 0) -> SimulatorStep {
        self.payload = payload
        return SimulatorStep(delayNanoseconds: delay, action: .body)
    }
}
