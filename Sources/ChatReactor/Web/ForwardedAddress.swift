import Reactor
import ReactorWeb

/// For whom a proxy of HTTP has asked, as it says in the head of a request: `Forwarded` (RFC 7239), or the `X-Forwarded-…` that were
/// before it.
struct ForwardedAddress {
    /// Nil if the proxy has not said, or does not know.
    let address: SocketAddress?
    /// Whether the client has come to the proxy over TLS.
    let isEncrypted: Bool

    /// Each proxy writes its caller behind those that it was told of, so the last that is no proxy itself is who has asked.
    ///
    /// Returns nil for a request in which the two fields contradict each other. Most proxies write one of them, and pass on the other as it came: whoever
    /// sends it would be believed to be whom it names.
    init?(_ request: HTTPRequest, isProxy: (SocketAddress) -> Bool) {
        let parameters = request.words(of: "Forwarded").map(Self.parameters)
        let standard = parameters.compactMap { $0["for"] }
        let older = request.words(of: "X-Forwarded-For").map(String.init)
        let addresses = [standard, older].filter { !$0.isEmpty }.map { Self.origin(of: $0, isProxy: isProxy) }
        if addresses.count == 2, addresses[0] != addresses[1] { return nil }
        address = addresses.first ?? nil
        let schemes = parameters.compactMap { $0["proto"] } + request.values(of: "X-Forwarded-Proto")
        isEncrypted = !schemes.isEmpty && schemes.allSatisfy { $0.lowercased() == "https" }
    }

    private static func origin(of nodes: [String], isProxy: (SocketAddress) -> Bool) -> SocketAddress? {
        for node in nodes.reversed() {
            guard let address = address(of: node) else { return nil }
            if !isProxy(address) { return address }
        }
        return nil
    }

    /// The address of a node: `192.0.2.7`, `192.0.2.7:4711`, `[2001:db8::1]:4711`, or `2001:db8::1`. Not of one that is hidden, as `_hidden`
    /// and `unknown` are.
    private static func address(of node: String) -> SocketAddress? {
        if let address = SocketAddress(ip: node) { return address }
        var host = node[...]
        if host.first == "[" {
            guard let end = host.firstIndex(of: "]") else { return nil }
            host = host[host.index(after: host.startIndex)..<end]
        } else if let colon = host.firstIndex(of: ":") {
            host = host[..<colon]
        }
        return SocketAddress(ip: String(host))
    }

    /// `for="[2001:db8::1]";proto=https` by name, in lower case. No address has a comma or a semicolon in it, so quotation marks need not be
    /// looked at.
    private static func parameters(_ element: Substring) -> [String: String] {
        var parameters: [String: String] = [:]
        for pair in element.split(separator: ";") {
            let parts = pair.trimmingBlanks.split(separator: "=", maxSplits: 1)
            guard parts.count == 2 else { continue }
            parameters[parts[0].lowercased()] = parts[1].filter { $0 != "\"" }
        }
        return parameters
    }
}
