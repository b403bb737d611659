import ChatCommandLine
import Reactor

/// What is spoken at a place where clients connect.
enum ClientProtocol: CaseIterable {
    case lines
    case linesOverTLS
    case web
    case webOverTLS
    case irc
    case ircOverTLS

    var usesTLS: Bool { self == .linesOverTLS || self == .webOverTLS || self == .ircOverTLS }
    var servesWeb: Bool { self == .web || self == .webOverTLS }
    var servesIRC: Bool { self == .irc || self == .ircOverTLS }

    /// How `--listen` names a place, and how the daemon says that it listens there: `web+tls:127.0.0.1:3080`, `web+unix:/run/chatd/web`.
    func describe(_ address: SocketAddress) -> String {
        switch self {
        case .lines: "\(address)"
        case .linesOverTLS: "tls:\(address)"
        case .web: address.port == nil ? "web+\(address)" : "web:\(address)"
        case .webOverTLS: "web+tls:\(address)"
        case .irc: address.port == nil ? "irc+\(address)" : "irc:\(address)"
        case .ircOverTLS: "irc+tls:\(address)"
        }
    }

    /// What a socket is called that a service manager has opened for it; nil for lines, whose socket has any other name.
    var socketName: String? {
        switch self {
        case .lines: nil
        case .linesOverTLS: "tls"
        case .web: "web"
        case .webOverTLS: "web-tls"
        case .irc: "irc"
        case .ircOverTLS: "irc-tls"
        }
    }

    /// Takes off the beginning of a place that says what is spoken there. A host may be called `web` or `tls`: `web:3080` is a host and its port.
    static func split(_ text: String) -> (ClientProtocol, place: String) {
        for (prefix, spoken) in [("web+", ClientProtocol.web), ("irc+", .irc)] where text.utf8.starts(with: "\(prefix)unix:".utf8)
        {
            return (spoken, String(text.dropFirst(prefix.count)))
        }
        let prefixes: [(String, ClientProtocol)] = [
            ("web+tls:", .webOverTLS), ("irc+tls:", .ircOverTLS), ("tls:", .linesOverTLS), ("web:", .web), ("irc:", .irc),
        ]
        for (prefix, spoken) in prefixes {
            if let place = PlacePrefix.remove(prefix, from: text) { return (spoken, place) }
        }
        return (.lines, text)
    }
}
