import ArgumentParser
import Attackers
import Foundation
import LoadGenerator
import Relays

/// Attacks every relay in every way, and writes what came out.
@main
struct Attack: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Measures what well-behaved clients of a relay notice of attacks on it, on this machine.",
        discussion: """
            100 clients say lines at a fixed, moderate rate. What they get is checked, line by line; how long it takes is compared with \
            how long it takes without the attack. A relay that does not carry the rate gets a half of it, or a half of that. Exits with 1 if \
            chatd missed a target.

            Attacks: \(AttackScenario.all.map(\.name).joined(separator: " "))
            Relays: \(Self.usualRelays.joined(separator: " ")), or any that compare knows and that takes lines
            """)

    private static let usualRelays = ["chatd", "nio", "ncat", "python"]

    @Flag(help: "One short round with chatd alone, in three minutes.")
    var short = false

    @Option(parsing: .upToNextOption, help: "Only these relays.")
    var relay: [String] = []

    @Option(parsing: .upToNextOption, help: "Only these attacks.")
    var attack: [String] = []

    @Option(help: "How many rounds.")
    var rounds: Int?

    @Option(
        help: "How many seconds each run measures; with fewer than 8, peers that never read are not behind enough to be closed.")
    var seconds: Double?

    @Option(help: "How many lines a second, from all clients together.")
    var rate = 2_000.0

    @Option(name: [.customShort("b"), .customLong("bytes")], help: "The length of a line, with its newline.")
    var lineLength = 64

    @Option(help: ArgumentHelp("Where the table and the figures go.", valueName: "directory"))
    var output = BuiltPrograms.repository.appending(path: "Docs/reliability").path

    @OptionGroup
    var runOptions: RunOptions

    @Option(help: "The core that the attacker runs on; the third if there is one, or else that of the clients.")
    var attackCore: Int?

    func validate() throws {
        if let rounds, !(1...100).contains(rounds) { throw ValidationError("there are from 1 to 100 rounds") }
        if let seconds, !(0.5...600).contains(seconds) { throw ValidationError("a run measures from 0.5 to 600 seconds") }
        if !(10...100_000).contains(rate) { throw ValidationError("a rate is from 10 to 100000 lines a second") }
        if !(18...4_096).contains(lineLength) { throw ValidationError("a line has from 18 to 4096 bytes") }
        for name in attack where !AttackScenario.all.contains(where: { $0.name == name }) {
            throw ValidationError("there is no attack '\(name)'; see --help")
        }
        for name in relay where !Relay.all.contains(where: { $0.name == name && $0.wire == .line }) {
            throw ValidationError("there is no relay '\(name)' that takes lines; see --help")
        }
    }

    func run() throws {
        Interruption.watch()
        try DescriptorLimit.raise(toHold: 5_000)
        let cores = ProcessInfo.processInfo.activeProcessorCount
        let method = Method(
            rounds: rounds ?? (short ? 1 : 3), seconds: seconds ?? (short ? 1.2 : 10), warmUp: short ? 0.3 : 1,
            stopSeconds: short ? 2 : 30, linesPerSecond: rate, lineLength: lineLength, serverCore: runOptions.serverCore,
            loadCore: runOptions.loadCore, attackCore: attackCore ?? (cores > 2 ? 2 : runOptions.loadCore),
            clientsHavePriority: Load.canHavePriority)
        var names = relay
        if names.isEmpty { names = short ? [Relay.chatdName] : Self.usualRelays }
        let scenarios = AttackScenario.all.filter { attack.isEmpty || attack.contains($0.name) }

        let programs = try BuiltPrograms(
            chatd: runOptions.chatd, executables: names.contains("nio") ? ["fanout", "nioserver"] : ["fanout"])
        defer { programs.clear() }
        let smallDisk = scenarios.contains { $0.kind == .fullDisk } ? makeSmallDisk(in: programs, method) : nil
        defer { smallDisk?.remove() }
        let runner = AttackRunner(
            method: method, programs: programs, smallDisk: smallDisk,
            clockPreload: try? programs.buildPreload("clock_jump"))
        var rounds = AttackRounds(runner: runner, scenarios: scenarios)
        rounds.choose(Relay.all.filter { names.contains($0.name) })
        // Only now, since building had use for every core.
        _ = try Command.run(["taskset", "-pc", "\(method.attackCore)", "\(getpid())"], timeLimit: 5)
        rounds.run()
        if Interruption.isRequested { throw ExitCode(128 + SIGINT) }

        let page = Page(machine: Machine(), method: method, results: rounds.results, skipped: rounds.skipped)
        print(page.markdown)
        try page.write(to: URL(filePath: output, directoryHint: .isDirectory))
        if !page.isFaultless(Relay.chatdName) { throw ExitCode.failure }
    }

    private func makeSmallDisk(in programs: BuiltPrograms, _ method: Method) -> SmallDisk? {
        // With room for what is printed without the attack.
        let printed = Int((method.seconds + method.warmUp + 10) * method.linesPerSecond) * 2 * method.lineLength
        do {
            return try SmallDisk(in: programs.temporary, bytes: printed + 4_194_304)
        } catch {
            printStatus("\(error)")
            return nil
        }
    }
}

/// How the figures came about.
struct Method: Codable, Sendable {
    var rounds: Int
    var seconds: Double
    var warmUp: Double
    /// For how long a server is stopped in the attack that does that.
    var stopSeconds: Double
    /// From all clients together.
    var linesPerSecond: Double
    var lineLength: Int
    var serverCore: Int
    var loadCore: Int
    var attackCore: Int
    /// Whether the clients' process is real-time, so that an attacker on its core takes little from it.
    var clientsHavePriority: Bool
}
