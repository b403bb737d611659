/// One client that sends as fast as it can, and never a newline. If it is closed, it comes again.
public final class EndlessLine: Attacker {
    private let port: UInt16
    private let chunk = [UInt8](repeating: UInt8(ascii: "#"), count: 262_144)
    private var buffer = [UInt8](repeating: 0, count: 65_536)
    private var socket: HostileSocket?
    private var sentBytes = 0
    private var calls = 0

    public init(at port: UInt16) {
        self.port = port
    }

    public func step() -> Bool {
        guard let socket else {
            self.socket = HostileSocket(to: port)
            calls += 1
            return false
        }
        // It is no slow reader besides.
        for _ in 0..<8 {
            switch socket.receive(into: &buffer) {
            case .bytes: continue
            case .nothing: break
            case .ended: self.socket = nil
            }
            break
        }
        switch socket.send(chunk[...]) {
        case .bytes(let count):
            sentBytes += count
            return true
        case .nothing:
            return false
        case .ended:
            self.socket = nil
            return true
        }
    }

    public func end() {
        socket = nil
    }

    public var remarks: [String] {
        ["the server took \(sentBytes / 1_000_000) MB" + (calls > 1 ? " over \(calls) connections" : "")]
    }
}
