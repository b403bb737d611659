import ChatReactor
import TestSupport
import Testing

/// How people write where to listen and where to connect to, and the errors for texts that are no endpoint.
struct EndpointTests {
    static let parsed: [(String, Endpoint)] = [
        ("localhost:3001", .tcp(host: "localhost", port: 3001)),
        ("127.0.0.1:0", .tcp(host: "127.0.0.1", port: 0)),
        ("chat.example.org:65535", .tcp(host: "chat.example.org", port: 65_535)),
        ("[::1]:3001", .tcp(host: "::1", port: 3001)),
        // A colon is one, whatever makes one character with it.
        ("host\u{600}:3001", .tcp(host: "host\u{600}", port: 3001)),
        ("[fe80::1%eth0]:3001", .tcp(host: "fe80::1%eth0", port: 3001)),
        ("[::]", .tcp(host: "::", port: 1)),
        ("localhost", .tcp(host: "localhost", port: 1)),
        ("host:0080", .tcp(host: "host", port: 80)),
        ("unix:/run/chatd.sock", .unix(path: "/run/chatd.sock")),
        ("unix:\u{301}path", .unix(path: "\u{301}path")),
        ("unix:relative:with:colons", .unix(path: "relative:with:colons")),
        ("unix:" + String(repeating: "p", count: 107), .unix(path: String(repeating: "p", count: 107))),
    ]

    @Test(arguments: parsed)
    func isParsed(_ text: String, _ expected: Endpoint) throws {
        #expect(try Endpoint(text, defaultPort: 1) == expected)
    }

    @Test(arguments: [
        ("", "'' names no host; write HOST:PORT"),
        (":3001", "':3001' names no host; write HOST:PORT"),
        ("[]:3001", "'[]:3001' names no host; write HOST:PORT"),
        ("localhost", "'localhost' names no port; write HOST:PORT"),
        ("[::1]", "'[::1]' names no port; write HOST:PORT"),
        ("localhost:", "'' is no port; write a number from 0 to 65535"),
        ("localhost:http", "'http' is no port; write a number from 0 to 65535"),
        ("localhost:65536", "'65536' is no port; write a number from 0 to 65535"),
        ("localhost:-1", "'-1' is no port; write a number from 0 to 65535"),
        ("localhost:+1", "'+1' is no port; write a number from 0 to 65535"),
        ("localhost: 1", "' 1' is no port; write a number from 0 to 65535"),
        ("localhost:99999999999999999999", "'99999999999999999999' is no port; write a number from 0 to 65535"),
        ("::1", "put an IPv6 address in brackets, as in [::1]:3001, not '::1'"),
        ("::1:3001", "put an IPv6 address in brackets, as in [::1]:3001, not '::1:3001'"),
        ("[::1:3001", "'[::1:3001' lacks a closing bracket"),
        ("[::1]3001", "'[::1]3001' has '3001' after its bracket; write [HOST]:PORT"),
        ("127.0.0.1\0.example.com:1", "the host in '127.0.0.1\0.example.com:1' has a zero byte"),
        ("unix:", "'unix:' names no path; write unix:PATH"),
        ("unix:a\0b", "the path in 'unix:a\0b' has a zero byte"),
        (
            "unix:" + String(repeating: "p", count: 108),
            "the path in 'unix:" + String(repeating: "p", count: 108) + "' is longer than the 107 bytes of a socket's path"
        ),
    ])
    func isRefusedInASentence(_ text: String, _ sentence: String) {
        let error = #expect(throws: EndpointError.self) { try Endpoint(text) }
        #expect(error?.description == sentence)
    }

    @Test(arguments: ["[unix]:1", "[[]:1", "[::1]:1", "host:1", "unix:[", "host\u{600}:1"])
    func whatIsPrintedIsReadAsTheSame(_ text: String) throws {
        let endpoint = try Endpoint(text)
        #expect(try Endpoint(endpoint.description) == endpoint)
    }

    @Test(arguments: ["localhost:3001", "127.0.0.1:0", "[::1]:3001", "[fe80::1%eth0]:1", "unix:/run/chatd.sock"])
    func isPrintedAsItWasWritten(_ text: String) throws {
        #expect(try Endpoint(text).description == text)
    }

    /// No text whatever ends the process, and what is taken is printed in a form that means the same.
    @Test func anyTextIsTakenOrRefused() throws {
        let seed = SeededGenerator().seed
        var random = SeededGenerator(seed: seed)
        let pieces = ["unix:", "localhost", "[", "]", ":", "::1", "3001", "65536", "é", "\0", " ", "-", "%", "👍", "/tmp/x"]
        var taken = 0
        for _ in 0..<20_000 {
            let text = (0..<Int.random(in: 0...6, using: &random)).map { _ in pieces.randomElement(using: &random)! }.joined()
            guard let endpoint = try? Endpoint(text) else { continue }
            taken += 1
            #expect(try Endpoint(endpoint.description) == endpoint, "seed \(seed): '\(text)'")
        }
        #expect(taken > 100)
    }

    @Test(arguments: [
        ("localhost:7", ["127.0.0.1:7", "[::1]:7"]),
        ("127.0.0.1:7", ["127.0.0.1:7"]),
        ("[::1]:7", ["[::1]:7"]),
        ("[2001:db8:0:0:0:0:0:1]:7", ["[2001:db8::1]:7"]),
        ("unix:/tmp/x", ["unix:/tmp/x"]),
    ])
    func isResolved(_ text: String, _ expected: [String]) throws {
        #expect(try Endpoint(text).resolve().map(\.description) == expected)
    }

    @Test func aHostThatCannotBeFoundIsNamed() throws {
        // A space is in no host's name, so nobody is asked.
        let error = #expect(throws: EndpointError.self) { try Endpoint("no such host:1").resolve() }
        #expect(error?.description.hasPrefix("cannot find the host 'no such host': ") == true)
    }

    /// The system would take the zero byte for the end of the name, and find another host.
    @Test func aHostWithAZeroByteIsNotLookedUp() {
        #expect(throws: EndpointError.self) { try Endpoint.tcp(host: "127.0.0.1\0.example.com", port: 1).resolve() }
    }

    @Test("A port that is there counts, whatever the default one")
    func portInPlaceOfTheDefault() throws {
        #expect(try Endpoint("localhost:80", defaultPort: 3_001) == .tcp(host: "localhost", port: 80))
        #expect(try Endpoint("unix:/a", defaultPort: 3_001) == .unix(path: "/a"))
    }

    @Test("A number stands for itself, and a path too")
    func numbers() throws {
        #expect(try Endpoint("192.0.2.1:80").resolve() == [.ipv4(address: 0xC000_0201, port: 80)])
        #expect(try Endpoint("[2001:db8::1]:80").resolve() == [.ipv6(high: 0x2001_0DB8_0000_0000, low: 1, port: 80, scope: 0)])
        #expect(try Endpoint("unix:/run/a").resolve() == [.unix(path: "/run/a")])
    }

    @Test("A star and [::] mean every address of both families, one listener for each", arguments: ["*", "[::]"])
    func everyAddress(host: String) throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let handler = RecordingHandler()
        let addresses = try Endpoint("\(host):0").resolve()
        #expect(addresses == [.ipv4(address: 0, port: 0), .ipv6(high: 0, low: 0, port: 0, scope: 0)])
        let port = try #require(try loop.listen(on: addresses[0], handler: handler).address.port)
        let other = try loop.listen(on: addresses[1].withPort(port), handler: handler)
        #expect(other.address.port == port)
        let peers = [try Peer(port: port), try Peer(to: .ipv6(high: 0, low: 1, port: port, scope: 0))]
        try loop.run(until: "both accepted") { handler.connections.count == 2 }
        #expect(Endpoint.tcp(host: "*", port: 1).description == "*:1")
        _ = peers
    }
}
