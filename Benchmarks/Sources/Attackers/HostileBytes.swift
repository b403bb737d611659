/// A client that sends lines of bytes that harm terminals and break parsers, and another that checks that they arrive unchanged.
public final class HostileBytes: Attacker {
    /// Each line begins with the mark that the load passes over.
    private static let hostileLines: [[UInt8]] = [
        Array("#nul \0 in the middle".utf8),
        Array("#a bare \r carriage return".utf8),
        Array("#escape \u{1B}[2J\u{1B}]0;title\u{7}".utf8),
        Array("#C1 as UTF-8 \u{9B}31m and \u{85}".utf8),
        Array("#C1 as bytes ".utf8) + [0x9B, 0x33, 0x31, 0x6D, 0x85],
        Array("#bidi \u{202E}desrever\u{202C} \u{2066}isolated\u{2069} \u{200F}".utf8),
        // What precedes the byte 255 is no text, so chatd does not take it for a command of telnet.
        Array("#invalid ".utf8) + [0xC3, 0x28, 0xFF, 0xFE, 0xE2, 0x82, 0xED, 0xA0, 0x80, 0xF5],
        Array("#backspace \u{8}\u{8}\u{8} delete \u{7F} tab \t".utf8),
        Array("#every byte ".utf8) + (0...255).map { UInt8($0) }.filter { $0 != 10 && $0 != 13 } + [0x2E],
        Array("#long ".utf8) + [UInt8](repeating: 0xFF, count: 8_000),
    ]

    private let port: UInt16
    private let lines: [[UInt8]]
    private var sender: HostileSocket?
    private var reader: HostileSocket?
    private var buffer = [UInt8](repeating: 0, count: 65_536)
    private var unfinished: [UInt8] = []
    private var said = 0
    private var heard = 0
    private var wrong: String?
    private var next = ContinuousClock.now + .milliseconds(200)

    /// - Parameter harmlessly: Says lines as long and as many, but of full stops alone.
    public init(at port: UInt16, harmlessly: Bool = false) {
        self.port = port
        lines = harmlessly ? Self.hostileLines.map { [$0[0]] + $0.dropFirst().map { _ in 0x2E } } : Self.hostileLines
    }

    public func step() -> Bool {
        if sender == nil, said == 0 {
            reader = HostileSocket(to: port)
            sender = HostileSocket(to: port)
        }
        let now = ContinuousClock.now
        listen()
        if now < next { return false }
        next = now + .milliseconds(20)
        guard let sender else { return false }
        let line = lines[said % lines.count] + [10]
        if sender.send(line[...]) == .bytes(line.count) { said += 1 }
        // What it hears itself, it need not keep.
        _ = sender.receive(into: &buffer)
        return true
    }

    private func listen() {
        while let reader {
            switch reader.receive(into: &buffer) {
            case .nothing: return
            case .ended:
                wrong = wrong ?? "a listener was closed"
                self.reader = nil
            case .bytes(let count):
                unfinished += buffer[..<count]
                while let end = unfinished.firstIndex(of: 10) {
                    if unfinished[0] == UInt8(ascii: "#") { check(Array(unfinished[..<end])) }
                    unfinished.removeSubrange(...end)
                }
            }
        }
    }

    private func check(_ line: [UInt8]) {
        let expected = lines[heard % lines.count]
        heard += 1
        if line != expected, wrong == nil {
            let name = String(decoding: expected.prefix { (0x20..<0x7F).contains($0) }, as: UTF8.self)
            wrong = "hostile line \(heard) (\(name)…) came changed"
        }
    }

    public func end() {
        let deadline = ContinuousClock.now + .seconds(2)
        while heard < said, reader != nil, ContinuousClock.now < deadline { listen() }
        if heard < said { wrong = wrong ?? "\(said - heard) of \(said) hostile lines did not come" }
        sender = nil
        reader = nil
    }

    public var remarks: [String] { ["\(heard) of \(said) hostile lines came"] }
    public var complaint: String? { wrong }
}
