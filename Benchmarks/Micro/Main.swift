// Main.swift — runs one named case a given number of times; micro.py counts its instructions.
// `bench-micro --list` names the cases, `bench-micro NAME COUNT` runs one.

/// One piece of work, measured by how much longer a longer run takes.
struct Case: Sendable {
    /// Its name in Thresholds/micro.json: the type, then what is done.
    let name: String
    /// Makes what it needs, does the work `count` times and returns a sum over the results, which
    /// is printed, so that no compiler can leave the work out.
    let run: @Sendable (_ count: Int) -> Int
}

@main
struct BenchMicro {
    /// A new case goes into the list of its file; a new file's list goes in here.
    static let cases: [Case] = bytesCases + http1Cases

    static func main() {
        let arguments = CommandLine.arguments
        if arguments.count == 2, arguments[1] == "--list" {
            for one in cases { print(one.name) }
        } else if arguments.count == 3, let count = Int(arguments[2]), count >= 0,
            let chosen = cases.first(where: { $0.name == arguments[1] })
        {
            print(chosen.run(count))
        } else {
            fatalError("usage: bench-micro --list | bench-micro NAME COUNT")
        }
    }
}
