public import Reactor

/// Where a stream is, as people write it: `redis://HOST:PORT/NAME`, `redis://USER:PASSWORD@HOST/NAME`, `unix:PATH/NAME`; and with
/// `rediss:` in place of `redis:` if Redis speaks TLS there.
public struct RedisPlace: Hashable, Sendable {
    /// The host and the port of Redis, 6379 if there was none, or its path.
    public let endpoint: Endpoint
    /// Whether Redis speaks TLS there.
    public let usesTLS: Bool
    /// Who logs in; nil for the default user.
    public let user: String?
    /// Nil if the text has none.
    public let password: String?
    /// What those have in common who are one relay. Letters of ASCII, digits, `.`, `_` and `-`, 100 at most.
    public let name: String

    /// Reads a place. No host is looked up.
    ///
    /// - Throws: A sentence that says how to write it. It does not have the password.
    public init(_ text: String) throws(RedisPlaceError) {
        guard let scheme = ["redis://", "rediss://", "unix:"].first(where: text.hasPrefix) else {
            throw RedisPlaceError(Self.forms)
        }
        let isPath = scheme == "unix:"
        usesTLS = scheme == "rediss://"
        // A path is read with its scheme.
        let rest = isPath ? text[...] : text.dropFirst(scheme.count)
        guard let slash = rest.lastIndex(of: "/") else { throw RedisPlaceError("there is no name; \(Self.forms)") }
        name = String(rest[rest.index(after: slash)...])
        let isName =
            (1...100).contains(name.utf8.count)
            && name.utf8.allSatisfy { byte in
                byte == UInt8(ascii: ".") || byte == UInt8(ascii: "_") || byte == UInt8(ascii: "-") || (48...57).contains(byte)
                    || (65...90).contains(byte) || (97...122).contains(byte)
            }
        if !isName { throw RedisPlaceError("a name has 1 to 100 letters, digits, '.', '_' and '-'; \(Self.forms)") }
        var host = rest[..<slash]
        // The last one: a password may have any character.
        if !isPath, let at = host.lastIndex(of: "@") {
            let login = host[..<at].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            user = login[0].isEmpty ? nil : String(login[0])
            password = login.count == 2 && !login[1].isEmpty ? String(login[1]) : nil
            host = host[host.index(after: at)...]
        } else {
            (user, password) = (nil, nil)
        }
        if user?.utf8.contains(0) == true || password?.utf8.contains(0) == true {
            throw RedisPlaceError("a login has no zero byte")
        }
        do throws(EndpointError) {
            endpoint = try Endpoint(String(host), defaultPort: 6379)
        } catch {
            throw RedisPlaceError("\(error)")
        }
    }

    private static let forms = "write redis://HOST:PORT/NAME, rediss://HOST:PORT/NAME or unix:PATH/NAME"
}

extension RedisPlace: CustomStringConvertible {
    /// Without the password.
    public var description: String {
        switch endpoint {
        case .unix(let path): "unix:\(path)/\(name)"
        default: "\(usesTLS ? "rediss" : "redis")://\(user.map { "\($0)@" } ?? "")\(endpoint)/\(name)"
        }
    }
}

/// Why a text names no stream.
public struct RedisPlaceError: Error, Hashable, Sendable, CustomStringConvertible {
    /// The sentence, without a full stop.
    public let description: String

    init(_ description: String) { self.description = description }
}
