import Reactor

/// What is spoken at a place where clients connect.
enum ClientProtocol: CaseIterable {
    case lines
    case linesOverTLS
    case web
    case webOverTLS

    var usesTLS: Bool { self == .linesOverTLS || self == .webOverTLS }
    var servesWeb: Bool { self == .web || self == .webOverTLS }

    /// How `--listen` names a place, and how the daemon says that it listens there: `web+tls:127.0.0.1:3080`, `web+unix:/run/chatd/web`.
    func describe(_ address: SocketAddress) -> String {
        switch self {
        case .lines: "\(address)"
        case .linesOverTLS: "tls:\(address)"
        case .web: address.port == nil ? "web+\(address)" : "web:\(address)"
        case .webOverTLS: "web+tls:\(address)"
        }
    }

    /// Takes off the beginning of a place that says what is spoken there. A host may be called `web` or `tls`: `web:3080` is a host and its port.
    static func split(_ text: String) -> (ClientProtocol, place: String) {
        let prefixes: [(String, ClientProtocol)] = [
            ("web+tls:", .webOverTLS), ("tls:", .linesOverTLS), ("web:", .web), ("web+", .web),
        ]
        for (prefix, spoken) in prefixes where text.utf8.starts(with: prefix.utf8) {
            var rest = text.utf8.dropFirst(prefix.utf8.count)
            if prefix == "web+", !rest.starts(with: "unix:".utf8) { continue }
            if rest.allSatisfy({ (48...57).contains($0) }) { continue }
            if rest.starts(with: "//".utf8) { rest = rest.dropFirst(2) }
            return (spoken, String(Substring(rest)))
        }
        return (.lines, text)
    }
}
