/// A client that says short lines at a fixed rate and reads what comes. No attacker: one whose lines are delivered is compared with it.
public final class SteadyClient: Attacker {
    private let port: UInt16
    private let interval: Duration
    private var socket: HostileSocket?
    private var next = ContinuousClock.now
    private var buffer = [UInt8](repeating: 0, count: 65_536)

    public init(perSecond rate: Double, at port: UInt16) {
        self.port = port
        interval = .seconds(1) / rate
    }

    public func step() -> Bool {
        socket = socket ?? HostileSocket(to: port)
        let now = ContinuousClock.now
        if now < next { return false }
        // Those that could not be said in time are not made up for, as with visitors.
        next = max(next + interval, now - interval)
        socket?.send(BriefClients.shortLine)
        _ = socket?.receive(into: &buffer)
        return true
    }

    public func end() {
        socket = nil
    }
}
