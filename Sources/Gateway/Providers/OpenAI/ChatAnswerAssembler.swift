// ChatAnswerAssembler.swift — puts the pieces of a chat answer, in whatever order a server sends them,
// into events in the order of ModelEvent.swift.
// Pure; emits while it is called. Only the chat decoders use it.
//
// A choice has one open part. A piece of another one closes it, unless it is a call whose arguments
// are not whole: then the other waits, so that no byte of either is lost or out of place.

import GatewayModel
import ReactorCore

/// One answer being put together.
struct ChatAnswerAssembler {
    typealias Emit = (ModelEvent) -> Void

    /// Bytes that may wait in one answer.
    static let heldBytesMax = 4 << 20
    /// Calls, and waiting parts, in one choice.
    static let partCountMax = 1024

    private(set) var isStarted = false
    /// Why the answer can make no more sense; the caller emits it.
    private(set) var failure: Failure?
    private var choices: [ChatAnswerChoice] = []
    private var heldBytes = 0
    private let ids: IDSource
    /// Whether a call that never gets a name is told all the same: somebody behind may know it.
    private let tellsNameless: Bool

    init(ids: IDSource, tellsNameless: Bool = false) {
        self.ids = ids
        self.tellsNameless = tellsNameless
    }

    /// Whether anything that has come is not told yet.
    var isHolding: Bool {
        choices.contains { $0.parts.count - $0.head > ($0.isHeadOpen ? 1 : 0) }
    }

    /// How many calls of a choice came before the part at `place`.
    func callNumber(at place: Int, of choice: Int) -> Int {
        choices[choice].parts.prefix(place).count { $0.kind == .toolCall }
    }

    /// Whether at least one choice began, and all that began have finished.
    var areFinished: Bool {
        var hasFinished = false
        for choice in choices where choice.hasBegun {
            guard choice.isFinished else { return false }
            hasFinished = true
        }
        return hasFinished
    }

    mutating func start(_ start: AnswerStart, _ emit: Emit) {
        guard !isStarted else { return }
        isStarted = true
        emit(.started(start))
    }

    /// A choice is spoken of. - Returns: whether more may come for it.
    mutating func begin(_ choice: Int) -> Bool {
        guard choice >= 0, choice < EventOrder.choiceCountMax else {
            fail("a choice with a number that the dialect does not have")
            return false
        }
        while choices.count <= choice { choices.append(ChatAnswerChoice()) }
        choices[choice].hasBegun = true
        return !choices[choice].isFinished && failure == nil
    }

    // MARK: Pieces

    /// More of the part of that kind, which begins if it is not the last one.
    mutating func add(
        _ text: ByteSlice, of kind: ChatAnswerPart.Kind, to choice: Int, _ emit: Emit
    ) {
        guard !text.isEmpty, begin(choice) else { return }
        let last = choices[choice].parts.count - 1
        let head = choices[choice].head
        guard last >= head, choices[choice].parts[last].kind == kind,
            !choices[choice].parts[last].isSigned, choices[choice].parts[last].signature == nil
        else {
            var part = ChatAnswerPart(kind)
            part.held = Array(text.raw)
            return append(part, to: choice, emit)
        }
        if last == head, choices[choice].isHeadOpen {
            return emit(.delta(choice: choice, text))
        }
        hold(text, part: last, of: choice)
    }

    /// An image, whole.
    mutating func add(image data: ByteSlice, type: ByteSlice, to choice: Int, _ emit: Emit) {
        guard begin(choice) else { return }
        var part = ChatAnswerPart(.image)
        part.name = Array(type.raw)
        part.held = Array(data.raw)
        append(part, to: choice, emit)
    }

    /// The proof of the part of that kind that came last.
    mutating func sign(
        _ signature: ByteSlice, _ kind: ChatAnswerPart.Kind, of choice: Int, _ emit: Emit
    ) {
        guard !signature.isEmpty, begin(choice) else { return }
        let parts = choices[choice].parts
        if let last = parts.lastIndex(where: { $0.kind == kind }), last >= choices[choice].head {
            sign(signature, part: last, of: choice, emit)
        } else if kind == .reasoning {
            // A proof of thoughts that were not shown.
            var part = ChatAnswerPart(kind)
            part.signature = Array(signature.raw)
            append(part, to: choice, emit)
        }
    }

    /// A piece of a call. - Returns: the place of the call, for `add(arguments:)`.
    mutating func add(
        _ piece: ChatCallPiece, touchedFrom first: Int, to choice: Int, _ emit: Emit
    ) -> Int? {
        guard begin(choice) else { return nil }
        guard let place = choices[choice].call(for: piece, touchedFrom: first) else {
            var part = ChatAnswerPart(.toolCall)
            part.index = piece.index
            part.id = Array(piece.id.raw)
            part.name = Array(piece.name.raw)
            part.isCustom = piece.isCustom
            part.signature = piece.signature.map { Array($0.raw) }
            part.held = Array(piece.arguments.raw)
            part.progress.add(piece.arguments)
            append(part, to: choice, emit)
            return choices[choice].parts.count - 1
        }
        guard place >= choices[choice].head else { return nil }
        if choices[choice].parts[place].id.isEmpty {
            choices[choice].parts[place].id = Array(piece.id.raw)
        }
        if choices[choice].parts[place].name.isEmpty {
            choices[choice].parts[place].name = Array(piece.name.raw)
            choices[choice].parts[place].isCustom = piece.isCustom
        }
        add(arguments: piece.arguments, call: place, of: choice, emit)
        if let signature = piece.signature { sign(signature, part: place, of: choice, emit) }
        return place
    }

    /// How many parts a choice has: those that a delta adds come behind.
    func partCount(of choice: Int) -> Int {
        choice >= 0 && choice < choices.count ? choices[choice].parts.count : 0
    }

    /// More arguments of the call at a place.
    mutating func add(arguments: ByteSlice, call place: Int, of choice: Int, _ emit: Emit) {
        guard failure == nil, !choices[choice].isFinished, place >= choices[choice].head,
            place < choices[choice].parts.count
        else { return }
        choices[choice].parts[place].progress.add(arguments)
        if place == choices[choice].head, choices[choice].isHeadOpen {
            if !arguments.isEmpty { emit(.delta(choice: choice, arguments)) }
        } else {
            hold(arguments, part: place, of: choice)
        }
        advance(choice, emit)
    }

    /// The choice is over. Whatever waited comes out now.
    mutating func finish(_ choice: Int, _ finish: Finish, _ emit: Emit) {
        guard begin(choice) else { return }
        while choices[choice].head < choices[choice].parts.count, failure == nil {
            if choices[choice].isHeadOpen {
                closeHead(of: choice, emit)
            } else {
                openHead(of: choice, emit)
            }
        }
        guard failure == nil else { return }
        var finish = finish
        // Some servers say so although they called.
        if finish.reason == .stop, choices[choice].hasCalls { finish.reason = .toolCalls }
        choices[choice].isFinished = true
        choices[choice].parts = []
        choices[choice].head = 0
        emit(.finished(choice: choice, finish))
    }

    /// The server says that all is told: what has not said why it stopped has stopped.
    mutating func finishAll(_ emit: Emit) {
        for choice in choices.indices where choices[choice].hasBegun {
            if !choices[choice].isFinished { finish(choice, Finish(.stop), emit) }
        }
    }

    // MARK: Order

    private mutating func append(_ part: ChatAnswerPart, to choice: Int, _ emit: Emit) {
        guard choices[choice].parts.count < Self.partCountMax else {
            return fail("more parts than a choice may have")
        }
        choices[choice].parts.append(part)
        heldBytes += part.held.count
        advance(choice, emit)
        checkHeld()
    }

    /// Opens what can be opened, and closes what is done where something waits.
    private mutating func advance(_ choice: Int, _ emit: Emit) {
        while failure == nil, choices[choice].head < choices[choice].parts.count {
            let head = choices[choice].head
            if !choices[choice].isHeadOpen {
                guard choices[choice].parts[head].isReady else { return }
                openHead(of: choice, emit)
            } else {
                guard head + 1 < choices[choice].parts.count, choices[choice].parts[head].isDone
                else { return }
                closeHead(of: choice, emit)
            }
        }
    }

    private mutating func openHead(of choice: Int, _ emit: Emit) {
        let head = choices[choice].head
        let part = choices[choice].parts[head]
        if !part.isReady {
            if part.held.isEmpty, part.id.isEmpty {
                choices[choice].parts.remove(at: head)
                return
            }
            guard tellsNameless else { return fail("a tool call without a name") }
        }
        choices[choice].isHeadOpen = true
        part.withStart(ids) { emit(.partOpened(choice: choice, $0)) }
        if !part.held.isEmpty {
            Self.slice(part.held) { emit(.delta(choice: choice, $0)) }
            heldBytes -= part.held.count
            choices[choice].parts[head].held = []
        }
        guard let signature = part.signature else { return }
        choices[choice].parts[head].isSigned = true
        choices[choice].parts[head].signature = nil
        Self.slice(signature) { emit(.signature(choice: choice, $0)) }
    }

    private mutating func closeHead(of choice: Int, _ emit: Emit) {
        let head = choices[choice].head
        emit(.partClosed(choice: choice))
        choices[choice].isHeadOpen = false
        // Calls are kept, so that a late piece finds that its call is over.
        if choices[choice].parts[head].kind == .toolCall {
            choices[choice].head += 1
        } else {
            choices[choice].parts.remove(at: head)
        }
    }

    private mutating func sign(
        _ signature: ByteSlice, part: Int, of choice: Int, _ emit: Emit
    ) {
        guard !signature.isEmpty, !choices[choice].parts[part].isSigned,
            choices[choice].parts[part].signature == nil
        else { return }
        if part == choices[choice].head, choices[choice].isHeadOpen {
            choices[choice].parts[part].isSigned = true
            emit(.signature(choice: choice, signature))
        } else {
            choices[choice].parts[part].signature = Array(signature.raw)
        }
    }

    private mutating func hold(_ bytes: ByteSlice, part: Int, of choice: Int) {
        guard !bytes.isEmpty else { return }
        choices[choice].parts[part].held.append(contentsOf: bytes.raw)
        heldBytes += bytes.count
        checkHeld()
    }

    private mutating func checkHeld() {
        if heldBytes > Self.heldBytesMax { fail("more pieces of calls in turns than can be kept") }
    }

    private mutating func fail(_ what: String) {
        guard failure == nil else { return }
        failure = Failure(.upstreamMalformed, "The upstream sent \(what).")
    }

    fileprivate static func slice(_ bytes: [UInt8], _ body: (ByteSlice) -> Void) {
        bytes.withUnsafeBytes { body(ByteSlice($0)) }
    }
}

extension ChatAnswerPart {
    /// Calls `body` with the part as an event tells it; an id is drawn where there is none.
    fileprivate func withStart(_ ids: IDSource, _ body: (PartStart) -> Void) {
        switch kind {
        case .text: body(.text)
        case .reasoning: body(.reasoning)
        case .redactedReasoning: body(.redactedReasoning)
        case .refusal: body(.refusal)
        case .image: ChatAnswerAssembler.slice(name) { body(.image(mediaType: $0)) }
        case .toolCall:
            var drawn = ByteBuffer()
            if id.isEmpty { ids.append("call_", to: &drawn) }
            ChatAnswerAssembler.slice(id) { given in
                let id = given.isEmpty ? drawn.slice : given
                ChatAnswerAssembler.slice(name) { name in
                    body(.toolCall(id: id, name: name, isCustom: isCustom))
                }
            }
        }
    }
}
