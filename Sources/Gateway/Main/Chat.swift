// Chat.swift — `gateway chat`: one question, or a conversation, with any OpenAI-compatible server.

import ArgumentParser
import GatewayCommands
import GatewayConfig
import Glibc
import Reactor
import ReactorCore

/// `gateway chat`
struct Chat: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Ask a model: one question, or a conversation.",
        discussion: """
            With a message, asks it and prints the answer; so it does with standard input, where \
            that is no terminal. Else it is a conversation: /help lists its commands, Ctrl-C ends \
            an answer. What the answer took is told on standard error.
            """)

    @Argument(help: "The message.")
    var message: [String] = []

    @Option(name: .shortAndLong, help: "The model. Default: the first that the server lists.")
    var model: String?

    @Option(name: .shortAndLong, help: "What the model should be.")
    var system: String?

    @Option(name: .long, help: "Sampling temperature.")
    var temperature: Double?

    @Option(name: .long, help: "Bound of the answer's tokens.")
    var maxTokens: Int?

    @Flag(name: .long, help: "Offer the built-in functions; their calls are run here.")
    var tools = false

    @Flag(name: .long, inversion: .prefixedNo, help: "Show the answer as it is being written.")
    var stream = true

    @Flag(name: .shortAndLong, help: "A conversation, even if standard input is no terminal.")
    var interactive = false

    @Flag(name: .shortAndLong, help: "Do not tell what the answer took.")
    var quiet = false

    @Option(name: .long, help: "For one answer.")
    var timeout = TimeArgument(.seconds(600))

    @OptionGroup var server: ServerOptions
    @OptionGroup var options: ConfigurationOptions

    func run() throws {
        let address = try server.address(options)
        var conversation = ChatConversation(model: try modelName(address))
        conversation.system = system
        conversation.temperature = temperature
        conversation.maxTokens = maxTokens
        conversation.hasTools = tools
        conversation.streams = stream
        try ServerOptions.withClient(address) { client in
            if interactive || (message.isEmpty && Terminal.isOne(0)) {
                converse(&conversation, client)
            } else if !ask(try question(), &conversation, client) {
                throw ExitCode(ExitStatus.failure)
            }
        }
    }

    private func modelName(_ address: APIAddress) throws -> String {
        if let model { return model }
        guard let first = try Models.names(at: address).first else {
            throw ValidationError("the server lists no model: name one with --model")
        }
        return first
    }

    private func question() throws -> String {
        if !message.isEmpty { return message.joined(separator: " ") }
        var lines: [String] = []
        while let line = Terminal.readLine() { lines.append(line) }
        let text = lines.joined(separator: "\n")
        guard !text.isEmpty else { throw ValidationError("there is no message") }
        return text
    }

    // MARK: A conversation

    private func converse(_ conversation: inout ChatConversation, _ client: APIClient) {
        let isShown = Terminal.isOne(0) && Terminal.isOne(1)
        if isShown {
            let place = client.address.url.description
            Output.line(
                Terminal.styled(
                    "\(conversation.model) at \(place); /help lists commands", .dim, on: 1))
        }
        while true {
            if isShown { Output.text(Terminal.styled("> ", .bold, on: 1)) }
            guard let line = Terminal.readLine() else { break }
            switch ChatLine.parse(line) {
            case .nothing: continue
            case .say(let text): _ = ask(text, &conversation, client)
            case .help: Output.line(ChatLine.helpText)
            case .forget: conversation.forget()
            case .model(let name): conversation.model = name
            case .system(let text): conversation.system = text
            case .tools(let isOn): conversation.hasTools = isOn
            case .quit: return
            case .wrong(let reason): Output.error(reason)
            }
        }
        if isShown { Output.line("") }
    }

    /// Whether there was a whole answer.
    private func ask(
        _ text: String, _ conversation: inout ChatConversation, _ client: APIClient
    ) -> Bool {
        conversation.ask(text)
        var watcher: SignalWatcher?
        var printer = AnswerPrinter()
        let outcome = ChatTurn.run(
            conversation, on: client, within: timeout.duration,
            interrupts: { stop in
                watcher = SignalWatcher(client.loop, number: SIGINT, stop)
            }, show: { printer.show($0) })
        watcher?.close()
        printer.end()
        conversation = outcome.conversation
        if let failure = outcome.failure {
            Output.error(Terminal.styled("gateway chat: \(failure)", .red, on: 2))
            return false
        }
        if !quiet {
            Output.error(Terminal.styled("[\(outcome.timing.text)]", .dim, on: 2))
        }
        return true
    }
}

/// Writes an answer as it comes.
private struct AnswerPrinter {
    private var isAtLineStart = true
    private var isReasoning = false

    mutating func show(_ output: ChatOutput) {
        switch output {
        case .text(let text):
            if isReasoning { line() }
            isReasoning = false
            Output.text(text)
            isAtLineStart = text.hasSuffix("\n")
        case .reasoning(let text):
            // Not part of the answer: a pipe gets the answer alone.
            guard Terminal.isOne(1) else { return }
            isReasoning = true
            Output.text(Terminal.styled(text, .dim, on: 1))
            isAtLineStart = text.hasSuffix("\n")
        case .call(let call):
            line()
            Output.error(
                Terminal.styled("[calls \(call.name)(\(call.arguments))]", .cyan, on: 2))
        case .result(let text):
            Output.error(Terminal.styled("[result \(text)]", .cyan, on: 2))
        }
    }

    mutating func end() { line() }

    private mutating func line() {
        if !isAtLineStart { Output.line("") }
        isAtLineStart = true
    }
}
