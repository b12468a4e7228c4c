// ModelCatalog.swift — the models of one configuration: its own names, and what its providers list,
// fetched when somebody asks for the list and never on the way of another request.
// The shell around ModelCatalogMachine. Made by Snapshot, asked by Exchange.

import GatewayModel
import GatewayPolicy
import GatewayProviders
import Reactor
import ReactorCore

/// Who waits for a first list. Called within a turn, once.
package protocol ModelCatalogWaiter: AnyObject {
    func modelsArrived()
}

/// How providers' lists are kept.
package struct ModelListPolicy: Equatable, Sendable {
    /// Whether providers are asked at all.
    package var isLive = true
    /// How long a list is told without being asked for anew.
    package var freshTime = ModelCatalogMachine.freshTime
    /// How long a request waits for lists that were never there.
    package var firstWait: Duration = .seconds(2)

    package init() {}
}

/// Every model that can be asked for, by the names that lead to it.
package final class ModelCatalog {
    /// Requests that wait for a first list; a further one is told what there is.
    package static let waitingMax = 1024

    private let configured: [ModelCatalogMerge.Configured]
    private let upstreams: [Upstream]
    private let routes: RouteTable
    private let policy: ModelListPolicy
    private var machine: ModelCatalogMachine
    /// By provider; made for its first fetch.
    private var fetches: [ModelListFetch?]
    private var merged: (version: Int, models: [CatalogModel])?
    /// In order of arrival, and so of their ends.
    private var waiting: [(waiter: any ModelCatalogWaiter, until: Instant)] = []
    private var timer: LoopTimer?
    /// Known from the first question on.
    private unowned(unsafe) var loop: EventLoop?
    private var isClosed = false
    /// Hears, within a turn, of a provider whose list could not be had.
    package var onFailure: (String, Failure) -> Void = { _, _ in }

    package init(
        configured: [ModelCatalogMerge.Configured], upstreams: [Upstream], routes: RouteTable,
        policy: ModelListPolicy
    ) {
        self.configured = configured
        self.upstreams = upstreams
        self.routes = routes
        self.policy = policy
        machine = ModelCatalogMachine(
            lists: upstreams.map { policy.isLive && $0.modelList != nil },
            freshTime: policy.freshTime)
        fetches = upstreams.map { _ in nil }
    }

    /// Goes on from the lists of the configuration before this one, for providers of the same name.
    func inherit(from old: ModelCatalog) {
        for (index, upstream) in upstreams.enumerated() {
            let place = old.upstreams.firstIndex {
                $0.name == upstream.name && $0.modelList == upstream.modelList
            }
            if let place { machine.inherit(index, from: old.machine, place) }
        }
    }

    /// The models as far as they are known now.
    package var models: [CatalogModel] {
        if let merged, merged.version == machine.version { return merged.models }
        let models = ModelCatalogMerge.merged(
            configured: configured, providerNames: upstreams.map(\.name),
            lists: upstreams.indices.map { machine.models(of: $0) }, routes: routes)
        merged = (machine.version, models)
        return models
    }

    /// Rises whenever a provider's list changes.
    var version: Int { machine.version }

    /// The tokens of an answer at most, as the upstream's own list tells them; nil where it does not.
    func outputTokensMax(of model: ByteSlice, at upstream: Upstream) -> Int? {
        guard let index = upstreams.firstIndex(where: { $0 === upstream }),
            let list = machine.models(of: index)
        else { return nil }
        return list.first { $0.id.withByteSlice { $0 == model } }?.outputTokensMax
    }

    /// The models, with lists that are due being fetched behind this answer. Nil: a provider is being
    /// asked for the first time, and `waiter` is called back, unless it is forgotten before. To be
    /// called within a turn.
    package func models(
        for waiter: any ModelCatalogWaiter, on loop: EventLoop
    ) -> [CatalogModel]? {
        guard !isClosed else { return models }
        self.loop = loop
        for index in machine.asked(at: loop.now) { fetch(index, on: loop) }
        guard machine.isFirstFetchRunning, waiting.count < Self.waitingMax else { return models }
        waiting.append((waiter, loop.now + policy.firstWait))
        let timer =
            timer
            ?? LoopTimer(loop) { [unowned(unsafe) self, unowned(unsafe) loop] in
                tell { $0 <= loop.now }
            }
        self.timer = timer
        timer.set(waiting[0].until)
        return nil
    }

    /// The request has gone: it is not called back.
    package func forget(_ waiter: any ModelCatalogWaiter) {
        guard !waiting.isEmpty else { return }
        waiting.removeAll { $0.waiter === waiter }
    }

    private func fetch(_ index: Int, on loop: EventLoop) {
        guard let codec = upstreams[index].modelList else {
            preconditionFailure("a list of '\(upstreams[index].name)', which has none")
        }
        let fetch =
            fetches[index]
            ?? ModelListFetch(
                upstreams[index], codec, freshTime: policy.freshTime, on: loop, owner: self)
        fetches[index] = fetch
        fetch.start()
    }

    /// Calls those back whose time `isOver`.
    private func tell(where isOver: (Instant) -> Bool) {
        while let first = waiting.first, isOver(first.until) {
            waiting.removeFirst()
            first.waiter.modelsArrived()
        }
        timer?.set(waiting.first?.until ?? .never)
    }

    /// Stops every fetch. Nobody may be waiting.
    func close() {
        guard !isClosed else { return }
        isClosed = true
        loop?.withTurn {
            for fetch in fetches { fetch?.cancel() }
            timer?.cancel()
            timer = nil
        }
        fetches = []
        waiting = []
    }
}

extension ModelCatalog: Deferrable {
    package func turnEnding() {
        guard !isClosed, let loop else { return }
        for (index, fetch) in fetches.enumerated() {
            guard let fetch, let outcome = fetch.takeOutcome() else { continue }
            switch outcome {
            case .page(let page):
                let action = machine.pageArrived(
                    from: index, page.models, next: page.next, at: loop.now)
                switch action {
                case .fetch(let cursor): fetch.goOn(cursor: cursor)
                case .finished: fetch.finished(machine.models(of: index) ?? [])
                }
            case .failed(let failure):
                machine.failed(index, known: fetch.failed(), at: loop.now)
                onFailure(upstreams[index].name, failure)
            case .known(let models, let age):
                machine.listArrived(from: index, models, age: age, at: loop.now)
            case .failing(let known, let age):
                machine.failed(index, known: known, age: age, at: loop.now)
            }
        }
        if !machine.isFirstFetchRunning { tell { _ in true } }
    }
}
