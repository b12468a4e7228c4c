// EventOrder.swift — checks that an answer's events follow the grammar of ModelEvent.swift.
// Pure. Stands behind every decoder and before every encoder, in tests, fuzzers and debug builds.

/// One answer's checker.
package struct EventOrder {
    /// What is wrong with an event at its place.
    package enum Violation: Equatable, Sendable {
        case notStarted
        case startedTwice
        case afterEnd
        case partWithinPart
        case noOpenPart
        case secondSignature
        case finishedWithOpenPart
        case choiceAfterFinish
        case endedUnfinished
        case choiceOutOfRange
    }

    private enum State { case idle, running, over }

    private enum Choice { case absent, between, open(signed: Bool), finished }

    /// No dialect has more.
    package static let choiceCountMax = 128

    private var state = State.idle
    private var choices: [Choice] = []

    package init() {}

    /// Whether the terminal event has come.
    package var isOver: Bool { state == .over }

    /// Takes the next event. - Returns: what is wrong with it, or nil.
    package mutating func check(_ event: ModelEvent) -> Violation? {
        if state == .over { return .afterEnd }
        switch event {
        case .started:
            guard state == .idle else { return .startedTwice }
            state = .running
            return nil
        case .failed:
            state = .over
            return nil
        default: break
        }
        guard state == .running else { return .notStarted }
        switch event {
        case .partOpened(let choice, _): return open(choice)
        case .delta(let choice, _): return within(choice)
        case .signature(let choice, _): return sign(choice)
        case .partClosed(let choice):
            if let violation = within(choice) { return violation }
            choices[choice] = .between
        case .finished(let choice, _): return finish(choice)
        case .ended:
            state = .over
            return areFinished ? nil : .endedUnfinished
        case .usage, .started, .failed: break
        }
        return nil
    }

    private var areFinished: Bool {
        var finished = 0
        for choice in choices {
            switch choice {
            case .absent: continue
            case .finished: finished += 1
            case .between, .open: return false
            }
        }
        return finished > 0
    }

    private mutating func reach(_ choice: Int) -> Violation? {
        guard choice >= 0, choice < Self.choiceCountMax else { return .choiceOutOfRange }
        while choices.count <= choice { choices.append(.absent) }
        if case .finished = choices[choice] { return .choiceAfterFinish }
        return nil
    }

    private mutating func open(_ choice: Int) -> Violation? {
        if let violation = reach(choice) { return violation }
        if case .open = choices[choice] { return .partWithinPart }
        choices[choice] = .open(signed: false)
        return nil
    }

    private mutating func within(_ choice: Int) -> Violation? {
        if let violation = reach(choice) { return violation }
        if case .open = choices[choice] { return nil }
        return .noOpenPart
    }

    private mutating func sign(_ choice: Int) -> Violation? {
        if let violation = within(choice) { return violation }
        if case .open(signed: true) = choices[choice] { return .secondSignature }
        choices[choice] = .open(signed: true)
        return nil
    }

    private mutating func finish(_ choice: Int) -> Violation? {
        if let violation = reach(choice) { return violation }
        if case .open = choices[choice] { return .finishedWithOpenPart }
        choices[choice] = .finished
        return nil
    }
}
