import ChatReactor
import Glibc
import TestSupport
import Testing

/// What `SocketAddress`, `Endpoint` and `Errno` promise.
struct AddressTests {
    private static let v4 = SocketAddress.ipv4(address: 0x7F00_0001, port: 3_001)
    private static let v6 = SocketAddress.ipv6(high: 0, low: 1, port: 3_001, scope: 0)
    private static let path = SocketAddress.unix(path: "/run/chatd.sock")

    @Test("The loopback is 127.0.0.1, and an address's number is as it is written")
    func loopback() {
        #expect(SocketAddress.loopback(port: 3_001) == Self.v4)
        #expect(SocketAddress.ipv4(address: 0x0102_0304, port: 5).description == "1.2.3.4:5")
        #expect(
            SocketAddress.ipv6(high: 0x2001_0DB8_0001_0002, low: 0x0003_0004_0005_0006, port: 7, scope: 0).description
                == "[2001:db8:1:2:3:4:5:6]:7")
    }

    @Test("A link-local address has the number of its interface, which is read again")
    func scope() throws {
        let address = SocketAddress.ipv6(high: 0xFE80_0000_0000_0000, low: 1, port: 7, scope: 1)
        #expect(address.description == "[fe80::1%1]:7")
        #expect(try Endpoint(address.description).resolve() == [address])
    }

    @Test("The port, or nil for a path")
    func ports() {
        #expect(Self.v4.port == 3_001)
        #expect(Self.v6.port == 3_001)
        #expect(Self.path.port == nil)
    }

    @Test("The same address with another port; a path stays as it is")
    func withPort() {
        #expect(Self.v4.withPort(65_535) == .ipv4(address: 0x7F00_0001, port: 65_535))
        #expect(Self.v6.withPort(0) == .ipv6(high: 0, low: 1, port: 0, scope: 0))
        #expect(Self.path.withPort(1) == Self.path)
    }

    @Test("IPv6 can be listened on and connected to, if the machine has it")
    func ipv6() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let (server, client) = (RecordingHandler(), RecordingHandler())
        let listener: Listener
        do {
            listener = try loop.listen(on: Self.v6.withPort(0), handler: server)
        } catch {
            // A machine without IPv6 says one of these, and nothing else is acceptable.
            #expect([.addressFamilyNotSupported, .addressNotAvailable].contains(error))
            return
        }
        client.onOpen = { $0.send("hello\n") }
        let connection = try loop.connect(to: listener.address, handler: client)
        try loop.run(until: "the message") { server.texts == ["hello"] }
        #expect(connection.remoteAddress == listener.address)
        #expect(server.connections[0].remoteAddress == connection.localAddress)
    }

    @Test(
        "An error describes itself by the system's sentence",
        arguments: [
            (Errno.addressInUse, "Address already in use"), (.connectionRefused, "Connection refused"),
            (.tooManyOpenFiles, "Too many open files"), (Errno(rawValue: ENOENT), "No such file or directory"),
        ])
    func errors(error: Errno, sentence: String) {
        #expect(error.description == sentence)
    }

    static let table: [(SocketAddress, String)] = [
        (.loopback(port: 3001), "127.0.0.1:3001"),
        (.ipv4(address: 0, port: 0), "0.0.0.0:0"),
        (.ipv4(address: 0x0102_0304, port: 65_535), "1.2.3.4:65535"),
        (.ipv6(high: 0, low: 1, port: 3001, scope: 0), "[::1]:3001"),
        (.ipv6(high: 0x2001_0DB8_0000_0000, low: 0x0102_0304_0506_0708, port: 1, scope: 0), "[2001:db8::102:304:506:708]:1"),
        (.unix(path: "/run/chatd.sock"), "unix:/run/chatd.sock"),
        (.unix(path: String(repeating: "p", count: 107)), "unix:" + String(repeating: "p", count: 107)),
    ]

    @Test("An address describes itself as the programs take it", arguments: table)
    func isPrintedAsTheProgramsTakeIt(_ address: SocketAddress, _ text: String) throws {
        #expect(address.description == text)
        #expect(try Endpoint(text).resolve() == [address])
    }
}
