import ArgumentParser
import ChatCommandLine
import ChatReactor

/// The options that limit what one client may do. A limit that is given holds for all; what is limited without an option leaves out the
/// clients of this machine.
struct LimitOptions: ParsableArguments {
    @Option(
        help: ArgumentHelp("Lines a second. (default: off; with --chat 10)", valueName: "n"), transform: { try count($0) })
    var lineRate: Limit<Int>?

    @Option(help: ArgumentHelp("Bytes a second. (default: off)", valueName: "size"), transform: { try size($0) })
    var byteRate: Limit<Int>?

    @Option(
        help: ArgumentHelp("How many lines at once. (default: three seconds' worth)", valueName: "n"),
        transform: { try count($0) })
    var burst: Limit<Int>?

    @Option(
        help: ArgumentHelp("Close who sends nothing so long. (default: off)", valueName: "time"), transform: { try time($0) })
    var idleTimeout: Limit<Duration>?

    @Option(
        help: ArgumentHelp("Close who has sent and got nothing by then. (default: off)", valueName: "time"),
        transform: { try time($0) })
    var helloTimeout: Limit<Duration>?

    @Option(
        help: ArgumentHelp("Close who acknowledges nothing so long. (default: off)", valueName: "time"),
        transform: { try time($0) })
    var unacknowledgedTimeout: Limit<Duration>?

    /// What an option says: a limit, or that there is none.
    enum Limit<Value> {
        case off
        case at(Value)

        var value: Value? { if case .at(let value) = self { value } else { nil } }
    }

    func validate() throws {
        guard let burst else { return }
        guard lineRate?.value != nil else { throw ValidationError("--burst needs --line-rate") }
        if burst.value == nil { throw ValidationError("--burst takes a number from 1; turn off --line-rate instead") }
    }

    /// Sets the limits that are given, and leaves the others as they are.
    func apply(to limits: inout ChatServer.ClientLimits) {
        if let lineRate {
            limits.messageRate = lineRate.value.map { RateLimit(perSecond: $0, burst: burst?.value ?? 3 * $0) }
        }
        // As much at once as in a second: less would delay whoever sends one long line.
        if let byteRate { limits.byteRate = byteRate.value.map { RateLimit(perSecond: $0) } }
        if let idleTimeout { limits.idleTimeout = idleTimeout.value }
        if let helloTimeout { limits.firstMessageTimeout = helloTimeout.value }
        if let unacknowledgedTimeout { limits.unacknowledgedTimeout = unacknowledgedTimeout.value }
    }

    // MARK: - Values

    private static let largest = 1_000_000_000

    private static func isOff(_ text: String) -> Bool { text == "off" || text == "0" }

    private static func count(_ text: String) throws -> Limit<Int> {
        if isOff(text) { return .off }
        guard let number = Int(text), (1...largest).contains(number) else {
            throw ValidationError("write a number from 1 to \(largest), or off")
        }
        return .at(number)
    }

    private static func size(_ text: String) throws -> Limit<Int> {
        isOff(text) ? .off : .at(try ByteCount(text, in: 1...largest).value)
    }

    private static func time(_ text: String) throws -> Limit<Duration> {
        if isOff(text) { return .off }
        let duration = try TimeLimit(text).duration
        return duration == .zero ? .off : .at(duration)
    }
}
