import ChatReactor
import Testing

/// What `Endpoint` promises: places as people write them.
struct EndpointTests {
    @Test(
        "A host and a port, IPv6 in its brackets, or a path",
        arguments: [
            ("localhost:3001", .tcp(host: "localhost", port: 3_001)), ("127.0.0.1:0", .tcp(host: "127.0.0.1", port: 0)),
            ("[::1]:65535", .tcp(host: "::1", port: 65_535)), ("chat.example:80", .tcp(host: "chat.example", port: 80)),
            ("unix:/run/chatd.sock", .unix(path: "/run/chatd.sock")), ("unix:relative:1", .unix(path: "relative:1")),
        ] as [(String, Endpoint)])
    func texts(text: String, endpoint: Endpoint) throws {
        #expect(try Endpoint(text) == endpoint)
        #expect(endpoint.description == text)
    }

    @Test(
        "A text without a port has the default one",
        arguments: [("localhost", "localhost"), ("[::1]", "::1"), ("10.0.0.1", "10.0.0.1")])
    func defaultPort(text: String, host: String) throws {
        #expect(try Endpoint(text, defaultPort: 3_001) == .tcp(host: host, port: 3_001))
        #expect(throws: EndpointError.self) { try Endpoint(text) }
    }

    @Test("A port that is there counts, whatever the default one")
    func portInPlaceOfTheDefault() throws {
        #expect(try Endpoint("localhost:80", defaultPort: 3_001) == .tcp(host: "localhost", port: 80))
        #expect(try Endpoint("unix:/a", defaultPort: 3_001) == .unix(path: "/a"))
    }

    @Test(
        "A text that is no endpoint is refused, in a sentence",
        arguments: [
            "", "localhost:", "localhost:65536", "localhost:-1", "localhost:port", "localhost:80 ", ":80", "[::1:80", "unix:",
        ])
    func refused(text: String) throws {
        let error = try #require(throws: EndpointError.self) { try Endpoint(text) }
        #expect(error.description.split(separator: " ").count >= 3, "\(error)")
    }

    @Test("localhost is 127.0.0.1 and ::1")
    func localhost() throws {
        let addresses = try Endpoint("localhost:3001").resolve()
        #expect(Set(addresses) == [.loopback(port: 3_001), .ipv6(high: 0, low: 1, port: 3_001, scope: 0)])
    }

    @Test("A number stands for itself, and a path too")
    func numbers() throws {
        #expect(try Endpoint("192.0.2.1:80").resolve() == [.ipv4(address: 0xC000_0201, port: 80)])
        #expect(try Endpoint("[2001:db8::1]:80").resolve() == [.ipv6(high: 0x2001_0DB8_0000_0000, low: 1, port: 80, scope: 0)])
        #expect(try Endpoint("unix:/run/a").resolve() == [.unix(path: "/run/a")])
    }

    @Test("A host that cannot be found is an error that names it")
    func noSuchHost() throws {
        // RFC 6761: no name under .invalid exists. A resolver that is out of reach is no better.
        let error = try #require(throws: EndpointError.self) {
            try Endpoint.tcp(host: "no such host.invalid", port: 80).resolve()
        }
        #expect(error.description.contains("no such host.invalid"), "\(error)")
    }
}
