// Permit.swift — one request's share of its key's limits: taken whole or not at all, settled once.

import ReactorCore

/// What was taken for one request.
package struct Permit {
    /// Why a request is not let in.
    package enum Refusal: Equatable, Sendable {
        case requests(RateLimit.Standing, waitNanoseconds: UInt64)
        case tokens(RateLimit.Standing, waitNanoseconds: UInt64)
        /// It asks for more tokens than a minute has.
        case tooManyTokens(asked: Int, limit: Int)
        case concurrent(limit: Int)
        case budget(Budget.Standing)
        /// There is no cell left for this key.
        case noCell
    }

    /// How the limits stood when it was taken; nil where there is none.
    package private(set) var requests: RateLimit.Standing?
    package private(set) var tokens: RateLimit.Standing?

    private let limits: KeyLimits
    private let cells: LimitCells
    private var slot: Int?
    private var tokenCell: AtomicWord?
    private var budgetCell: AtomicWord?
    private var reserved = 0

    /// Takes a request, `estimate` tokens and a slot, as far as they are limited.
    ///
    /// - Parameters:
    ///   - estimate: the tokens that it will take, as far as one can tell.
    ///   - input: those of them that it takes in any case: more than a minute has is refused.
    ///   - seconds: since 1970.
    package static func take(
        _ limits: KeyLimits, from cells: LimitCells, estimate: Int, input: Int, now: UInt64,
        seconds: Int = 0
    ) -> Result<Permit, Refusal> {
        var permit = Permit(limits: limits, cells: cells)
        if let budget = limits.budget {
            guard let cell = cells.rate(limits.budgetHash) else { return .failure(.noCell) }
            let standing = budget.standing(of: cell, seconds: seconds)
            if standing.isSpent { return .failure(.budget(standing)) }
            permit.budgetCell = cell
        }
        if let refusal = permit.enter(estimate: estimate, input: input, now: now) {
            permit.leaveSlot()
            return .failure(refusal)
        }
        return .success(permit)
    }

    private init(limits: KeyLimits, cells: LimitCells) {
        self.limits = limits
        self.cells = cells
    }

    /// Slot, tokens, requests: what can be given back comes first, what counts for good last.
    private mutating func enter(estimate: Int, input: Int, now: UInt64) -> Refusal? {
        if let limit = limits.concurrent {
            guard let place = cells.slot(limits.concurrentHash) else { return .noCell }
            guard cells.enter(place, limit: limit) else { return .concurrent(limit: limit) }
            slot = place
        }
        if let limit = limits.tokens {
            guard let cell = cells.rate(limits.tokensHash) else { return .noCell }
            guard input <= limit.unitsPerMinute else {
                return .tooManyTokens(asked: input, limit: limit.unitsPerMinute)
            }
            let units = min(max(estimate, 1), limit.unitsPerMinute)
            switch limit.admit(units, from: cell, now: now) {
            case .admitted(let standing): tokens = standing
            case .refused(let standing, let wait):
                return .tokens(standing, waitNanoseconds: wait)
            case .tooMuch(let standing):
                return .tooManyTokens(asked: units, limit: standing.limit)
            }
            tokenCell = cell
            reserved = units
        }
        if let limit = limits.requests {
            guard let cell = cells.rate(limits.requestsHash) else {
                settleTokens(used: 0, now: now)
                return .noCell
            }
            switch limit.admit(1, from: cell, now: now) {
            case .admitted(let standing): requests = standing
            case .refused(let standing, let wait):
                settleTokens(used: 0, now: now)
                return .requests(standing, waitNanoseconds: wait)
            case .tooMuch: preconditionFailure("a limit of less than one request")
            }
        }
        return nil
    }

    /// The request is over. Call once.
    ///
    /// - Parameter used: the tokens that it took; nil where nobody knows: the estimate stands.
    package mutating func settle(used: Int?, now: UInt64) {
        if let used { settleTokens(used: used, now: now) }
        leaveSlot()
    }

    /// Whether what the request cost is to be told to `spend`.
    package var hasBudget: Bool { budgetCell != nil }

    /// What the request cost, in billionths of a dollar. Call once, before `settle`.
    package func spend(_ cost: Int, seconds: Int) {
        guard let budgetCell, let budget = limits.budget else { return }
        budget.add(cost, to: budgetCell, seconds: seconds)
    }

    private mutating func settleTokens(used: Int, now: UInt64) {
        guard let cell = tokenCell, let limit = limits.tokens else { return }
        tokenCell = nil
        limit.settle(reserved: reserved, used: used, in: cell, now: now)
    }

    private mutating func leaveSlot() {
        guard let place = slot else { return }
        slot = nil
        cells.leave(place)
    }
}

extension Permit.Refusal: Error {}
