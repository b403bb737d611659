import Glibc

/// Two clients who see whether what the one says reaches the other.
public final class Probe {
    private let speaker: HostileSocket
    private let listener: HostileSocket
    private var buffer = [UInt8](repeating: 0, count: 65_536)
    private var heard: [UInt8] = []
    private var count = 0
    private let name = UInt32.random(in: 0 ... .max)

    /// Nil if the system has no descriptor for them.
    public init?(port: UInt16) {
        guard let speaker = HostileSocket(to: port), let listener = HostileSocket(to: port) else { return nil }
        self.speaker = speaker
        self.listener = listener
    }

    /// How long a line takes; nil if none comes within the time. One is said every 20 ms, since the listener may not have been accepted yet;
    /// what counts is the time of the one that comes first.
    public func roundTrip(within limit: Duration) -> Duration? {
        let start = ContinuousClock.now
        var saidAt: [Int: ContinuousClock.Instant] = [:]
        var next = start
        while true {
            let now = ContinuousClock.now
            if start.duration(to: now) > limit { return nil }
            if now >= next {
                count += 1
                saidAt[count] = now
                next = now + .milliseconds(20)
                speaker.send("#probe \(name) \(count)\n")
            }
            _ = speaker.receive(into: &buffer)
            if let number = hear(), let then = saidAt[number] { return then.duration(to: .now) }
            usleep(200)
        }
    }

    /// The number of a line of the speaker's that has come.
    private func hear() -> Int? {
        guard case .bytes(let count) = listener.receive(into: &buffer) else { return nil }
        heard += buffer[..<count]
        var found: Int?
        while let end = heard.firstIndex(of: 10) {
            let words = String(decoding: heard[..<end], as: UTF8.self).split(separator: " ")
            // In a relay without framing, it may come after something else.
            if words.count >= 3, words[words.count - 2] == "\(name)", let number = Int(words[words.count - 1]) { found = number }
            heard.removeSubrange(...end)
        }
        return found
    }
}
