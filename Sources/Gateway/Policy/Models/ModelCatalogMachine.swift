// ModelCatalogMachine.swift — what providers last listed, and when each is to be asked again.
// Pure value: no socket, no clock. Its shell asks it at every request for the list of models, makes
// the calls that it names, and tells it what came. Imported by Exchange.

import GatewayModel
import ReactorCore

/// The lists of all providers that list their models.
///
/// A list is fresh for a while; behind that it is still told, while a new one is fetched in the
/// background. One fetch a provider runs at a time. A provider that fails keeps its old list, and is
/// left alone for a while.
package struct ModelCatalogMachine {
    /// So long is a list fresh.
    package static let freshTime = Duration.seconds(300)
    /// So long is a provider left alone that failed.
    package static let failureTime = Duration.seconds(30)
    /// Models of one provider; further ones are left out.
    package static let modelCountMax = 10_000
    /// Pages of one list; further ones are left out.
    package static let pageCountMax = 50

    /// What is to be done about a provider's fetch.
    package enum Action: Equatable {
        /// Ask for the page behind this cursor.
        case fetch(page: [UInt8])
        /// The list is there.
        case finished
    }

    private enum State: Equatable {
        /// -> fetching.
        case idle
        /// -> idle, on the last page or a failure.
        case fetching(pageCount: Int)
    }

    private struct Provider {
        var state = State.idle
        /// The list that is told; nil until there was one.
        var models: [CatalogModel]?
        /// That of a fetch which is running.
        var coming: [CatalogModel] = []
        /// From when on it is to be asked again.
        var due = Instant(nanoseconds: 0)
        var hasFailed = false
    }

    private let freshTime: Duration
    /// By index; nil where a provider does not list.
    private var providers: [Provider?]
    /// Rises whenever a list changes: what is made of the lists may be kept as long.
    package private(set) var version = 0

    /// - Parameter lists: of each provider, by index, whether it lists its models.
    package init(lists: [Bool], freshTime: Duration = Self.freshTime) {
        providers = lists.map { $0 ? Provider() : nil }
        self.freshTime = freshTime
    }

    /// Somebody wants the list of models.
    /// - Returns: the providers whose first page is to be fetched now; each is fetching from here on.
    package mutating func asked(at now: Instant) -> [Int] {
        var due: [Int] = []
        for index in providers.indices {
            guard let provider = providers[index], provider.state == .idle, provider.due <= now
            else { continue }
            providers[index]?.state = .fetching(pageCount: 0)
            providers[index]?.coming = []
            due.append(index)
        }
        return due
    }

    /// A page came.
    /// - Parameter next: the cursor of the page behind it; nil if it is the last.
    package mutating func pageArrived(
        from index: Int, _ models: [CatalogModel], next: [UInt8]?, at now: Instant
    ) -> Action {
        guard var provider = providers[index], case .fetching(let pageCount) = provider.state else {
            preconditionFailure("a page of provider \(index), which is not fetched")
        }
        let room = Self.modelCountMax - provider.coming.count
        provider.coming += models.prefix(room)
        // An empty page is no end where more is said to come (Google's may be).
        if let next, models.count < room, pageCount + 1 < Self.pageCountMax {
            provider.state = .fetching(pageCount: pageCount + 1)
            providers[index] = provider
            return .fetch(page: next)
        }
        finish(index, &provider, age: .zero, at: now)
        return .finished
    }

    /// In place of the first page: somebody else was told this whole list, so long ago.
    package mutating func listArrived(
        from index: Int, _ models: [CatalogModel], age: Duration, at now: Instant
    ) {
        guard var provider = providers[index], provider.state != .idle else {
            preconditionFailure("a list of provider \(index), which is not fetched")
        }
        provider.coming = Array(models.prefix(Self.modelCountMax))
        finish(index, &provider, age: age, at: now)
    }

    private mutating func finish(
        _ index: Int, _ provider: inout Provider, age: Duration, at now: Instant
    ) {
        if provider.models != provider.coming {
            provider.models = provider.coming
            version += 1
        }
        provider.coming = []
        provider.hasFailed = false
        provider.state = .idle
        provider.due = now + (freshTime - age)
        providers[index] = provider
    }

    /// A fetch came to nothing; the old list stays.
    /// - Parameters:
    ///   - known: what somebody else was told before; of use where there is no list yet.
    ///   - age: how long ago it failed, where somebody else has tried.
    package mutating func failed(
        _ index: Int, known: [CatalogModel]? = nil, age: Duration = .zero, at now: Instant
    ) {
        guard var provider = providers[index], provider.state != .idle else {
            preconditionFailure("a failure of provider \(index), which is not fetched")
        }
        if provider.models == nil, let known {
            provider.models = Array(known.prefix(Self.modelCountMax))
            version += 1
        }
        provider.coming = []
        provider.hasFailed = true
        provider.state = .idle
        provider.due = now + (Self.failureTime - age)
        providers[index] = provider
    }

    /// Whether a provider is being asked for the first time: a client that waits a little gets a
    /// list that is whole.
    package var isFirstFetchRunning: Bool {
        providers.contains { provider in
            guard let provider, provider.state != .idle else { return false }
            return provider.models == nil && !provider.hasFailed
        }
    }

    /// Takes over what another machine was last told by the same provider, to be asked for anew.
    package mutating func inherit(_ index: Int, from other: ModelCatalogMachine, _ place: Int) {
        guard providers[index] != nil, let known = other.providers[place] else { return }
        providers[index]?.models = known.models
        providers[index]?.hasFailed = known.hasFailed
        if known.models != nil { version += 1 }
    }

    /// What a provider last listed; nil if it does not, or has not yet.
    package func models(of index: Int) -> [CatalogModel]? { providers[index]?.models }
}
