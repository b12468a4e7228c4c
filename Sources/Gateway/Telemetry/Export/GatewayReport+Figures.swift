// GatewayReport+Figures.swift — what all workers say of one thing, as one: sums where that means something,
// else the worst or the least of them. Pure.

import ReactorCore

extension GatewayReport {
    /// One provider's credential that expires, as the workers have it. Never the credential.
    package struct Token {
        package var provider: String
        /// How many workers are in each state, in the order of `TokenFigures.State`.
        package private(set) var workers = [Int](
            repeating: 0, count: TokenFigures.State.allCases.count)
        /// Whether any worker has one that holds.
        package private(set) var isUsable = false
        /// How many the workers have had; one that is shared by a file counts for each that has it.
        package private(set) var generations = 0
        /// Seconds from now: since the youngest was made; until the first ends of those that hold.
        package private(set) var age: Int?
        package private(set) var expiresIn: Int?
        package private(set) var retryIn: Int?
        package private(set) var secretBytes: Int?
        /// Requests that wait for one.
        package private(set) var waiting = 0
        /// Requests that wanted one, and those of them that had it at once.
        package private(set) var leases = 0
        package private(set) var hits = 0

        /// - Parameter now: seconds since 1970.
        package init(provider: String, _ all: [TokenFigures], now: Int) {
            self.provider = provider
            for one in all {
                generations += one.generations
                leases += one.leases
                hits += one.hits
                guard let state = TokenFigures.State(rawValue: one.state) else { continue }
                workers[state.rawValue - 1] += 1
                waiting += one.waiting
                if one.retryAt > 0 { retryIn = least(retryIn, max(one.retryAt - now, 0)) }
                guard one.expiresAt > 0 else { continue }
                let left = max(one.expiresAt - now, 0)
                // One that has ended is told only where there is none that holds.
                if one.isUsable != 0, !isUsable { (age, expiresIn) = (nil, nil) }
                isUsable = isUsable || one.isUsable != 0
                guard one.isUsable != 0 || !isUsable else { continue }
                age = least(age, max(now - one.createdAt, 0))
                expiresIn = least(expiresIn, left)
                secretBytes = one.secretBytes
            }
        }

        /// The state that most needs to be known: trouble first, then whether one is at hand.
        package var state: TokenFigures.State {
            let order: [TokenFigures.State] = [.broken, .waiting, .valid, .refreshing, .loading]
            return order.first { workers[$0.rawValue - 1] > 0 } ?? .empty
        }

        private func least(_ known: Int?, _ other: Int) -> Int { min(known ?? other, other) }
    }

    /// The workers by their places, of what each process number says of itself. Two numbers share a
    /// place (`WorkerID`).
    /// - Parameter now: nanoseconds of the monotonic clock.
    package static func workers(_ all: [ProcessFigures], now: Int) -> [Worker] {
        var workers: [Worker] = []
        for (number, one) in all.enumerated() where one.isThere != 0 || one.cpuMicroseconds > 0 {
            if workers.last?.place != number / 2 { workers.append(Worker(place: number / 2)) }
            let place = workers.count - 1
            workers[place].process.cpuMicroseconds += one.cpuMicroseconds
            guard one.isThere != 0 else { continue }
            workers[place].count += 1
            workers[place].process.anonymousBytes += one.anonymousBytes
            workers[place].process.residentBytes += one.residentBytes
            var lag = LagReading()
            // A loop that stands still says nothing: it writes each second, or is late.
            let overdue = (now - one.writtenAtNanoseconds) / 1000 - 1_000_000
            lag.lastMicroseconds = max(one.lagMicroseconds, overdue)
            lag.maxMicroseconds = max(one.lagMaxMicroseconds, lag.lastMicroseconds)
            workers[place].lag.take(lag)
        }
        return workers
    }
}
