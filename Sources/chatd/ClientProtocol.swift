import CommandLineSupport
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
        if text.utf8.starts(with: "web+unix:".utf8) { return (.web, String(text.dropFirst("web+".count))) }
        let prefixes: [(String, ClientProtocol)] = [("web+tls:", .webOverTLS), ("tls:", .linesOverTLS), ("web:", .web)]
        for (prefix, spoken) in prefixes {
            if let place = PlacePrefix.remove(prefix, from: text) { return (spoken, place) }
        }
        return (.lines, text)
    }
}
