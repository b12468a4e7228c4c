import ArgumentParser

@main
struct Gateway: ParsableCommand {
    static let configuration = CommandConfiguration(commandName: "gateway")
}
