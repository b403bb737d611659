import ArgumentParser
import Foundation
import Relays

/// Runs every relay over every scenario, and writes what came out.
@main
struct Compare: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Compares chatd with the limit program and with other relays, on this machine.",
        discussion: """
            Each figure is measured against the limit program in the same round: the relay's algorithm in the least C that \
            does the job. Echo servers are measured against one with callbacks. Servers run on one core and the load on another, one at a time; nothing else should run meanwhile.

            Scenarios: \(Scenario.all.map(\.name).joined(separator: " "))
            Peers: \(Relay.all.map(\.name).joined(separator: " "))
            """)

    @Flag(help: "All scenarios in five long rounds, instead of two short ones in three minutes.")
    var full = false

    @Flag(help: "Two short rounds, which is the default.")
    var short = false

    @Option(help: "How many rounds.")
    var rounds: Int?

    @Option(help: "How many seconds each run measures.")
    var seconds: Double?

    @Option(parsing: .upToNextOption, help: "Only these scenarios.")
    var scenario: [String] = []

    @Option(parsing: .upToNextOption, help: "Only these peers, in every round; the limit program always runs.")
    var peer: [String] = []

    @Option(help: ArgumentHelp("Where the table, the figures and the chart go.", valueName: "directory"))
    var output = BuiltPrograms.repository.appending(path: "Docs/performance").path

    @OptionGroup
    var runOptions: RunOptions

    func validate() throws {
        if full, short { throw ValidationError("choose one of --full and --short") }
        if let rounds, !(1...100).contains(rounds) { throw ValidationError("there are from 1 to 100 rounds") }
        if let seconds, !(0.1...600).contains(seconds) { throw ValidationError("a run measures from 0.1 to 600 seconds") }
        for name in scenario where !Scenario.all.contains(where: { $0.name == name }) {
            throw ValidationError("there is no scenario '\(name)'; see --help")
        }
        for name in peer where !Relay.all.contains(where: { $0.name == name }) {
            throw ValidationError("there is no peer '\(name)'; see --help")
        }
    }

    func run() throws {
        let programs = try BuiltPrograms(chatd: runOptions.chatd, executables: ["fanout", "limit", "nioserver", "reactorserver"])
        defer { programs.clear() }
        let method = Method(
            rounds: rounds ?? (full ? 5 : 2), seconds: seconds ?? (full ? 3 : 0.5), warmUp: full ? 1 : 0.2,
            everyPeerEveryRound: full || !peer.isEmpty, serverCore: runOptions.serverCore, loadCore: runOptions.loadCore)
        let scenarios = Scenario.all.filter { scenario.isEmpty ? full || !$0.isForFullRuns : scenario.contains($0.name) }
        var rounds = ComparisonRounds(method: method, scenarios: scenarios, programs: programs)
        try rounds.chooseRelays(named: peer, for: scenarios)
        rounds.run()

        let summary = Summary(rounds.results)
        let page = Page(
            machine: Machine(), method: method, summary: summary, scenarios: scenarios, skipped: rounds.skipped,
            targets: Target.all.map { $0.result(in: summary) })
        print(page.markdown)
        try page.write(to: URL(filePath: output, directoryHint: .isDirectory))
    }
}

/// How the figures came about.
struct Method: Codable {
    var rounds: Int
    var seconds: Double
    var warmUp: Double
    /// Whether relays other than chatd and the limit program run in every round, or in the first one only.
    var everyPeerEveryRound: Bool
    var serverCore: Int
    var loadCore: Int
}
