import Reactor
import Testing

@testable import ChatReactor

/// Somebody who comes by a proxy is on this machine if both are. Passwords, guests and limits go by that.
struct ProxiedFromHereTests {
    private let here = SocketAddress.ipv4(address: 0x7F00_0001, port: 5)
    private let alsoHere = SocketAddress.ipv4(address: 0x7F00_0001, port: 6)
    private let there = SocketAddress.ipv4(address: 0xC000_0202, port: 7)

    @Test func byWhatBothAre() {
        #expect(ChatServer.Client.isFromHere(here, by: alsoHere))
        #expect(ChatServer.Client.isFromHere(here, by: .unix(path: "")))
        // What is the proxy's own machine to it is not this one.
        #expect(!ChatServer.Client.isFromHere(here, by: there))
        #expect(!ChatServer.Client.isFromHere(there, by: here))
        // The proxy did not say who it is.
        #expect(!ChatServer.Client.isFromHere(here, by: here))
    }
}
