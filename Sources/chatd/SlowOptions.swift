import ArgumentParser
import ChatCommandLine
import ChatReactor

/// The options that say what is done about clients that do not read what they are sent.
struct SlowOptions: ParsableArguments {
    @Option(help: ArgumentHelp("What is done about them.", valueName: "policy"))
    var slow = SlowName.backpressure

    @Option(help: ArgumentHelp("How much is kept for them.", valueName: "size"))
    var logSize: ByteCount = 1_048_576

    @Option(help: ArgumentHelp("How far behind one is slow. (default: half of that)", valueName: "size"))
    var highWater: ByteCount?

    @Option(help: ArgumentHelp("How long one that reads nothing is waited for. (default: 1s)", valueName: "time"))
    var stall: TimeLimit?

    @Option(help: ArgumentHelp("How long one that reads is waited for. (default: 5s)", valueName: "time"))
    var grace: TimeLimit?

    func validate() throws {
        if slow != .backpressure, stall != nil || grace != nil {
            throw ValidationError("--stall and --grace say how long senders wait, so they need --slow backpressure")
        }
        if let highWater, highWater.value < 1 || highWater.value > logSize.value / 2 {
            throw ValidationError("--high-water takes a size from 1 to half of --log-size, which is \(logSize.value / 2)")
        }
    }

    var policy: SlowSubscriberPolicy {
        switch slow {
        case .backpressure: .backpressure(stall: stall?.duration ?? .seconds(1), grace: grace?.duration ?? .seconds(5))
        case .skip: .skip
        case .disconnect: .disconnect
        }
    }
}
