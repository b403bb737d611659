/// A place to listen on or to connect to, as people write it: `localhost:3001`, `[::1]:3001`, `*:3001`, `unix:/run/chatd.sock`.
public enum Endpoint: Hashable, Sendable {
    /// A host, by name or by number (IPv6 without its brackets), or `*` for every address of this machine; and a port.
    case tcp(host: String, port: UInt16)
    /// The path of a Unix-domain socket.
    case unix(path: String)

    /// Reads an endpoint as people write it: `HOST:PORT`, `[IPV6]:PORT` or `unix:PATH`.
    ///
    /// ```swift
    /// print(try Endpoint("localhost", defaultPort: 3001))    // localhost:3001
    /// ```
    ///
    /// - Parameters:
    ///   - text: The endpoint. A port is a number from 0 to 65,535; a path has 107 bytes at most.
    ///   - defaultPort: The port of a text that has none; nil makes such a text an error.
    /// - Throws: An error that says what is wrong with the text, and how it should be written. The host is not looked up here.
    public init(_ text: String, defaultPort: UInt16? = nil) throws(EndpointError) {
        // Bytes are compared, not characters: a mark that follows a colon makes one character with it.
        if text.utf8.starts(with: "unix:".utf8) {
            let path = String(Substring(text.utf8.dropFirst("unix:".utf8.count)))
            if path.isEmpty { throw EndpointError("'\(text)' names no path; write unix:PATH") }
            if path.utf8.contains(0) { throw EndpointError("the path in '\(text)' has a zero byte") }
            if path.utf8.count > SocketAddress.maximumPathLength {
                throw EndpointError(
                    "the path in '\(text)' is longer than the \(SocketAddress.maximumPathLength) bytes of a socket's path")
            }
            self = .unix(path: path)
            return
        }
        let (host, port) = try Self.split(text)
        if host.isEmpty { throw EndpointError("'\(text)' names no host; write HOST:PORT") }
        if host.utf8.contains(0) { throw EndpointError("the host in '\(text)' has a zero byte") }
        if let port {
            guard port.utf8.allSatisfy({ (48...57).contains($0) }), let number = UInt16(port) else {
                throw EndpointError("'\(port)' is no port; write a number from 0 to 65535")
            }
            self = .tcp(host: String(host), port: number)
        } else if let defaultPort {
            self = .tcp(host: String(host), port: defaultPort)
        } else {
            throw EndpointError("'\(text)' names no port; write HOST:PORT")
        }
    }

    private static func split(_ text: String) throws(EndpointError) -> (host: Substring, port: Substring?) {
        let bytes = text.utf8
        if bytes.first == UInt8(ascii: "[") {
            guard let bracket = bytes.firstIndex(of: UInt8(ascii: "]")) else {
                throw EndpointError("'\(text)' lacks a closing bracket")
            }
            let host = Substring(bytes[..<bracket].dropFirst())
            let rest = Substring(bytes[bracket...].dropFirst())
            if rest.isEmpty { return (host, nil) }
            if rest.utf8.first == UInt8(ascii: ":") { return (host, Substring(rest.utf8.dropFirst())) }
            throw EndpointError("'\(text)' has '\(rest)' after its bracket; write [HOST]:PORT")
        }
        guard let colon = bytes.lastIndex(of: UInt8(ascii: ":")) else { return (text[...], nil) }
        if bytes[..<colon].contains(UInt8(ascii: ":")) {
            throw EndpointError("put an IPv6 address in brackets, as in [::1]:3001, not '\(text)'")
        }
        return (Substring(bytes[..<colon]), Substring(bytes[colon...].dropFirst()))
    }

    /// The addresses that this stands for: several for a name such as `localhost`, which is 127.0.0.1 and ::1. `*` and `[::]`
    /// stand for every address of the machine, of both families: for 0.0.0.0 and ::.
    ///
    /// ```swift
    /// for address in try Endpoint("localhost:3001").resolve() { try loop.listen(on: address, handler: handler) }
    /// ```
    ///
    /// Blocks while a name is looked up, so it belongs before the loop runs, or on another thread.
    ///
    /// - Returns: One address at least, in the order in which the system recommends to try them.
    /// - Throws: An error that says that there is no such host, or that it cannot be looked up now.
    ///
    /// The corresponding C function is `getaddrinfo`.
    public func resolve() throws(EndpointError) -> [SocketAddress] {
        switch self {
        // Every address of both families. A listener on [::] takes IPv6 alone, so there is one for each.
        case .tcp("*", let port), .tcp("::", let port):
            [.ipv4(address: 0, port: port), .ipv6(high: 0, low: 0, port: port, scope: 0)]
        // By RFC 6761 the name means both loopback addresses, even if the hosts file of a machine has only one of them.
        case .tcp("localhost", let port):
            [.loopback(port: port), .ipv6(high: 0, low: 1, port: port, scope: 0)]
        case .tcp(let host, let port): try SocketAddress.resolving(host: host, port: port)
        case .unix(let path): [.unix(path: path)]
        }
    }
}

extension Endpoint: CustomStringConvertible {
    /// As `init(_:defaultPort:)` reads it: `localhost:3001`, `[::1]:3001`, `unix:/run/chatd.sock`.
    public var description: String {
        switch self {
        case .tcp(let host, let port): Self.needsBrackets(host) ? "[\(host)]:\(port)" : "\(host):\(port)"
        case .unix(let path): "unix:\(path)"
        }
    }

    /// Whether a host would be read as something else without brackets.
    private static func needsBrackets(_ host: String) -> Bool {
        host == "unix" || host.utf8.first == UInt8(ascii: "[") || host.utf8.contains(UInt8(ascii: ":"))
    }
}

/// Why a text is no endpoint, or why its host could not be found, in a sentence that says how to write it.
public struct EndpointError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The sentence, without a full stop: `'chat.example.com' names no port; write HOST:PORT`.
    public let description: String

    init(_ description: String) {
        self.description = description
    }
}
