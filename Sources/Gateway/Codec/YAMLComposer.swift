// YAMLComposer.swift — from libyaml's events to a YAMLTree, within limits. Only YAMLTree uses it.

import ReactorCore

/// Builds nodes from events by recursion, whose depth the limits bound.
struct YAMLComposer: ~Copyable {
    /// An anchored node, with what repeating it costs.
    private struct Anchor {
        var node: YAMLNode
        var nodeCount: Int
        var height: Int
    }

    /// A finished node and how many levels of collections it has.
    private typealias Composed = (node: YAMLNode, height: Int)

    private var events: YAMLEventReader
    private let limits: YAMLLimits
    private var anchors: [String: Anchor] = [:]
    private var nodeCount = 0

    init(events: consuming YAMLEventReader, limits: YAMLLimits) {
        self.events = events
        self.limits = limits
    }

    /// The whole input: at most one document.
    mutating func document() throws(YAMLFailure) -> YAMLNode {
        let first = try events.next()
        if case .end = first.kind {
            return YAMLNode(
                .scalar("", isPlain: true),
                mark: YAMLMark(source: events.source, line: 1, column: 1))
        }
        let root = try compose(try events.next(), depth: 0).node
        let next = try events.next()
        guard case .end = next.kind else {
            throw failure(
                .secondDocument, next.mark, "a second document begins here; only one is read")
        }
        return root
    }

    private mutating func compose(
        _ event: YAMLEvent, depth: Int
    ) throws(YAMLFailure) -> Composed {
        let countBefore = nodeCount
        try count(1, at: event.mark)
        let composed: Composed
        switch event.kind {
        case .scalar(let text, let isPlain):
            composed = (YAMLNode(.scalar(text, isPlain: isPlain), mark: event.mark), 0)
        case .alias(let name):
            return try repeated(name, at: event.mark, depth: depth)
        case .sequenceStart:
            try descend(to: depth + 1, at: event.mark)
            composed = try sequence(from: event.mark, depth: depth + 1)
        case .mappingStart:
            try descend(to: depth + 1, at: event.mark)
            composed = try mapping(from: event.mark, depth: depth + 1)
        case .documentStart, .collectionEnd, .end:
            preconditionFailure("libyaml sent \(event.kind) where a node begins")
        }
        if let name = event.anchor {
            anchors[name] = Anchor(
                node: composed.node, nodeCount: nodeCount - countBefore, height: composed.height)
        }
        return composed
    }

    private mutating func sequence(
        from mark: YAMLMark, depth: Int
    ) throws(YAMLFailure) -> Composed {
        var elements: [YAMLNode] = []
        var height = 0
        while true {
            let event = try events.next()
            if case .collectionEnd = event.kind { break }
            let element = try compose(event, depth: depth)
            height = max(height, element.height)
            elements.append(element.node)
        }
        return (YAMLNode(.sequence(elements), mark: mark), height + 1)
    }

    private mutating func mapping(
        from mark: YAMLMark, depth: Int
    ) throws(YAMLFailure) -> Composed {
        var entries: [YAMLEntry] = []
        var lines: [String: Int] = [:]
        var height = 0
        while true {
            let event = try events.next()
            if case .collectionEnd = event.kind { break }
            let key = try compose(event, depth: depth).node
            guard case .scalar(let name, _) = key.content else {
                throw failure(.keyNotText, event.mark, "a key must be plain text")
            }
            if let line = lines.updateValue(event.mark.line, forKey: name) {
                throw failure(
                    .duplicateKey, event.mark,
                    "the key '\(name)' is given twice; it is on line \(line) already")
            }
            let value = try compose(try events.next(), depth: depth)
            height = max(height, value.height)
            entries.append(YAMLEntry(key: name, keyMark: event.mark, value: value.node))
        }
        return (YAMLNode(.mapping(entries), mark: mark), height + 1)
    }

    /// An anchor becomes known when its node is complete, so no node can contain itself.
    private mutating func repeated(
        _ name: String, at mark: YAMLMark, depth: Int
    ) throws(YAMLFailure) -> Composed {
        guard let anchor = anchors[name] else {
            throw failure(.unknownAlias, mark, "nothing before this place is anchored as '\(name)'")
        }
        try count(anchor.nodeCount - 1, at: mark)
        try descend(to: depth + anchor.height, at: mark)
        return (anchor.node, anchor.height)
    }

    private mutating func count(_ more: Int, at mark: YAMLMark) throws(YAMLFailure) {
        nodeCount += more
        guard nodeCount <= limits.nodesMax else {
            throw failure(
                .tooManyNodes, mark, "the document has more than \(limits.nodesMax) values")
        }
    }

    private func descend(to depth: Int, at mark: YAMLMark) throws(YAMLFailure) {
        guard depth <= limits.depthMax else {
            throw failure(
                .tooDeep, mark, "values are nested more than \(limits.depthMax) levels deep")
        }
    }

    private func failure(
        _ reason: YAMLFailure.Reason, _ mark: YAMLMark, _ message: String
    ) -> YAMLFailure {
        YAMLFailure(reason: reason, mark: mark, message: message)
    }
}
