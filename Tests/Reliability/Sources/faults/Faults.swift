import ArgumentParser
import Foundation

@main
struct Faults: ParsableCommand {
    static let configuration = CommandConfiguration(
        abstract: "Has every system call of chatd fail, at every point, in every way that its manual page names.",
        discussion: """
            Real clients talk through the daemon meanwhile, and check that it keeps its promises. Ends with 1 if one was broken, and \
            says how to repeat that run.
            """)

    @Option(help: ArgumentHelp("The daemon, built for release.", valueName: "path"))
    var chatd: String

    @Option(help: ArgumentHelp("The library to preload; beside this program by default.", valueName: "path"))
    var library: String?

    @Option(help: ArgumentHelp("Only this call; repeatable.", valueName: "name"))
    var call: [String] = []

    @Flag(help: "Relays and chats that are one with others, with a chatd that has Redis. Without it, relays on their own.")
    var cluster = false

    @Flag(help: "Each fault once, two errors a call, and fewer cuts.")
    var quick = false

    @Option(help: ArgumentHelp("How many daemons run side by side.", valueName: "n"))
    var jobs = 6

    @Option(help: ArgumentHelp("Only one run: the fault strikes at this call. Needs --call.", valueName: "n"))
    var number: Int?

    @Option(help: ArgumentHelp("In that run: how many calls it strikes; 0 for all.", valueName: "n"))
    var count = 1

    @Option(help: ArgumentHelp("In that run: the errno, as a number.", valueName: "errno"))
    var error: Int32 = 0

    @Option(help: ArgumentHelp("In that run: how many bytes the call moves.", valueName: "bytes"))
    var length = 0

    @Option(name: .customLong("configuration"), help: "In that run: how the daemon is started.")
    var setting = Configuration.plain

    func validate() throws {
        let known = SystemCall.all.map(\.name)
        for name in call where !known.contains(name) {
            throw ValidationError("--call takes one of \(known.joined(separator: ", "))")
        }
        if number != nil, call.count != 1 { throw ValidationError("--number needs one --call") }
        if cluster || setting.isOfCluster, Partners.findRedis() == nil { throw ValidationError("there is no redis-server") }
        if jobs < 1 { throw ValidationError("--jobs takes a number from 1") }
    }

    func run() throws {
        // A daemon that has ended must be heard of by EPIPE.
        signal(SIGPIPE, SIG_IGN)
        let library = library ?? Bundle.main.bundlePath + "/libFaultInjection.so"
        for path in [chatd, library] where !FileManager.default.isReadableFile(atPath: path) {
            throw ValidationError("there is no \(path)")
        }
        if let number {
            let fault = Fault(call: call[0], number: number, count: count, error: error, length: length)
            let report = Report(directory: NSTemporaryDirectory(), number: Int(getpid()))
            let partners = try setting.isOfCluster ? Partners(directory: report.path + "-partners", chatd: chatd) : nil
            let outcome = try Conversation.make(
                fault, setting, chatd: chatd, library: library, report: report, partners: partners
            ).run()
            print("\(outcome)", report.read())
            return
        }
        let start = ContinuousClock.now
        let (rows, failures) = try FaultSweep(series, chatd: chatd, library: library).run(jobs: jobs)
        for failure in failures { print(failure) }
        print(Table(rows).text)
        print("\(failures.count) broken promises, \(start.duration(to: .now).formatted(.units(allowed: [.minutes, .seconds])))")
        if !failures.isEmpty { throw ExitCode.failure }
    }

    private var series: [FaultSweep.Series] {
        var all: [FaultSweep.Series] = []
        let calls = SystemCall.all.filter { call.isEmpty || call.contains($0.name) }
        for systemCall in calls {
            for error in quick ? Array(systemCall.errors.prefix(1) + systemCall.errors.dropFirst(2).prefix(1)) : systemCall.errors
            {
                for count in quick ? [1] : [1, SystemCall.lastingCount(for: error)] {
                    for configuration in cluster ? Configuration.ofCluster : quick ? [.console] : [.plain, .console] {
                        all.append(
                            .init(
                                fault: Fault(call: systemCall.name, count: count, error: error), configuration: configuration))
                    }
                }
            }
            guard SystemCall.moving.contains(systemCall.name) else { continue }
            // Those that talk with Redis say much, and its answers are no lines: that they are cut is left to the simulation.
            for configuration in cluster ? [] : quick ? [.briefConsole] : [Configuration.brief, .briefConsole] {
                for count in quick ? [1] : [1, 0] {
                    all.append(.init(fault: Fault(call: systemCall.name, count: count), configuration: configuration, cuts: true))
                }
            }
        }
        return all
    }
}
