// Plays the loop and the broadcast, or with --chat a whole chat server, against a simulated kernel, in scenarios that a 64-bit seed determines, and tells when a promise of
// Docs/architecture.md, "What always holds", is not kept.
//
// The product is the one that is shipped, with no seam for this: the target SimulatedKernel defines the system calls in this executable,
// down to the clock, and its sockets send short, report events late, spuriously and twice, fail, reset and give numbers away again. Other threads
// are simulated by what happens at a system call. Beside it runs an oracle that copies every message into the queue of every peer (DeliveryOracle),
// splits everything that every peer has written (FramingOracle), and knows for what a connection may be closed (Scenario+Checks).
//
// How to read a finding: it names the promise, the seed, and the least list of steps that breaks it in the same way. Each line is one step:
// its number in the whole plan, what happens, and how many turns the loop makes afterwards. The step before the finding is where it shows;
// the cause is often an earlier one.
// `simulate --seed N` plays the whole plan again, and `--trace` prints every step and system call of it, or of the shrunk one.
//
// The parts: Plan (a seed's setting and steps), Scenario (plays them), Shrinker, Sweep (many seeds), Worker (a process of its own for them).
// Those whose names begin with Chat play the chat server: ChatPlan, ChatScenario, the people (ChatMember), what has happened in its rooms
// (ChatRoomHistory), and what each person has been sent of that (ChatReader). IRCPeer and WebPeer are what those have who come with an
// IRC client or by WebSocket.
// Those whose names begin with Loops play topics of several loops over one log: a turn of one loop is made inside a system call of another's.
// Those whose names begin with ChatLoops play a chat of several loops in the same way (LoopsStage): ProgramHearing is what a
// program has been told there, and ChatKnowledge what a server tells somebody who asks.
// Those whose names begin with Cluster play servers that are one relay or one chat, and their Redis (ScriptedRedis): ClusterScenario carries what they
// send each other (ClusterLine), and knows what each has read of the stream, and so what its clients must hear (ClusterReader).

import ArgumentParser
import Glibc
import Reactor
import SimulatedKernel

@main
struct Simulate: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Plays the event loop and the broadcast, or the chat server, against a simulated kernel.",
        discussion: "Exits with 1 if a promise is broken; the steps that break it are shrunk and printed.")

    @Flag(help: "Play the chat server.")
    var chat = false

    @Flag(help: "Play topics of several loops that share a log; with --chat, a chat of several loops.")
    var loops = false

    @Flag(help: "Play relays and chats of several servers, and their Redis.")
    var cluster = false

    @Option(help: "How many seeds to play.")
    var seeds = 10_000

    @Option(help: "The first of them.")
    var firstSeed: UInt64 = 0

    @Flag(help: "Begin with a seed chosen at random, which is printed.")
    var random = false

    @Option(help: "Play this seed alone.")
    var seed: UInt64?

    @Flag(help: "With --seed: print each step and each system call; of a seed that fails, those that are left of it.")
    var trace = false

    @Option(help: "How many processes play at once.")
    var jobs = 1

    func validate() throws {
        if seeds < 1 { throw ValidationError("--seeds must be at least 1, not \(seeds).") }
        if jobs < 1 || jobs > 64 { throw ValidationError("--jobs must be from 1 to 64, not \(jobs).") }
        if cluster, chat || loops {
            throw ValidationError("--cluster plays something else than --chat and --loops: one of them at a time.")
        }
        if trace, seed == nil { throw ValidationError("--trace needs a --seed.") }
    }

    func run() throws {
        ProcessEnvironment.makeRepeatable()
        guard SimulatedClock.isInPlace else {
            print("The loop's clock is not the simulated one: nothing that is played here would mean anything.")
            throw ExitCode.failure
        }
        if chat, loops {
            try run(ChatLoopsPlan.self)
        } else if chat {
            try run(ChatPlan.self)
        } else if loops {
            try run(LoopsPlan.self)
        } else if cluster {
            try run(ClusterPlan.self)
        } else {
            try run(Plan.self)
        }
    }

    private func run<Plan: Playable>(_: Plan.Type) throws {
        if let seed { try play(Plan(seed: seed), seed) } else { try sweep(Plan.self) }
    }

    private func play(_ plan: some Playable, _ seed: UInt64) throws {
        guard let finding = plan.finding() else {
            print("Seed \(seed) keeps every promise.\n\(plan.setting)")
            if trace {
                _ = plan.finding(isTraced: true)
            } else {
                for step in plan.steps { print("  \(step)") }
            }
            return
        }
        report(plan, seed, finding)
        throw ExitCode.failure
    }

    private func sweep<Plan: Playable>(_: Plan.Type) throws {
        let first = random ? UInt64.random(in: 0 ... .max) : firstSeed
        let clock = ContinuousClock()
        let start = clock.now
        let result = Sweep<Plan>(first: first, count: seeds, jobs: jobs).run()
        if let failure = result.failure {
            report(Plan(seed: failure.seed), failure.seed, failure.finding)
            throw ExitCode.failure
        }
        let seconds = start.duration(to: clock.now) / .seconds(1)
        print("Seeds \(first) to \(first &+ UInt64(seeds - 1)) keep every promise.")
        print("\(Int(Double(seeds) / seconds)) scenarios a second in \(jobs) process\(jobs == 1 ? "" : "es").\n")
        print(result.counts)
    }

    private func report(_ plan: some Playable, _ seed: UInt64, _ finding: Finding) {
        print("Seed \(seed) breaks a promise: \(finding)")
        var shrinker = Shrinker(plan, failingBy: finding)
        shrinker.shrink()
        let left = shrinker.plan.steps.count
        print(
            "\nOf its \(plan.steps.count) steps, \(left) are left after \(shrinker.attempts) attempts. In this setting:\n\(plan.setting)\n"
        )
        let last = shrinker.plan.finding(isTraced: trace, isQuiet: true)
        if !trace { for step in shrinker.plan.steps { print("  \(step)") } }
        print("\n\(last.map { "\($0)" } ?? "This finding does not come again: the seed does not determine it.")")
        let what = [chat ? "--chat " : "", loops ? "--loops " : "", cluster ? "--cluster " : ""].joined()
        print("The whole: simulate \(what)--seed \(seed)")
    }
}
