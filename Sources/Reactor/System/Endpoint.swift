/// A place to listen on or to connect to, as people write it: `localhost:3001`, `[::1]:3001`, `unix:/run/chatd.sock`.
public enum Endpoint: Hashable, Sendable {
    /// A host, by name or by number (IPv6 without its brackets), and a port.
    case tcp(host: String, port: UInt16)
    /// The path of a Unix-domain socket.
    case unix(path: String)

    /// - Parameter defaultPort: The port of a text that has none; nil makes such a text an error.
    public init(_ text: String, defaultPort: UInt16? = nil) throws(EndpointError) {
        if text.hasPrefix("unix:") {
            let path = String(text.dropFirst("unix:".count))
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
        if text.hasPrefix("[") {
            guard let bracket = text.firstIndex(of: "]") else { throw EndpointError("'\(text)' lacks a closing bracket") }
            let host = text[text.index(after: text.startIndex)..<bracket]
            let rest = text[text.index(after: bracket)...]
            if rest.isEmpty { return (host, nil) }
            if rest.hasPrefix(":") { return (host, rest.dropFirst()) }
            throw EndpointError("'\(text)' has '\(rest)' behind its bracket; write [HOST]:PORT")
        }
        guard let colon = text.lastIndex(of: ":") else { return (text[...], nil) }
        if text[..<colon].contains(":") {
            throw EndpointError("put an IPv6 address in brackets, as in [::1]:3001, not '\(text)'")
        }
        return (text[..<colon], text[text.index(after: colon)...])
    }

    /// The addresses that this stands for: several for a name such as `localhost`, which is 127.0.0.1 and ::1.
    ///
    /// Blocks while a name is looked up, so it belongs before the loop runs. The corresponding C function is `getaddrinfo`.
    public func resolve() throws(EndpointError) -> [SocketAddress] {
        switch self {
        // By RFC 6761 the name means the loopback addresses, both, whatever the hosts file of a machine has forgotten.
        case .tcp("localhost", let port):
            [.loopback(port: port), .ipv6(high: 0, low: 1, port: port, scope: 0)]
        case .tcp(let host, let port): try SocketAddress.resolving(host: host, port: port)
        case .unix(let path): [.unix(path: path)]
        }
    }
}

extension Endpoint: CustomStringConvertible {
    public var description: String {
        switch self {
        case .tcp(let host, let port): host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)"
        case .unix(let path): "unix:\(path)"
        }
    }
}

/// Why a text is no endpoint, or why its host could not be found, in a sentence that says how to mend it.
public struct EndpointError: Error, Hashable, Sendable, CustomStringConvertible {
    public let description: String

    init(_ description: String) {
        self.description = description
    }
}
