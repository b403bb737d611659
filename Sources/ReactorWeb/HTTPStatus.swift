/// The status of a response: its code, from 100 to 999, and the words that belong to it.
public struct HTTPStatus: Hashable, Sendable, CustomStringConvertible {
    public let code: Int
    /// For people, as in `Not Found`. Programs look at the code alone.
    public let reason: String

    /// A status that has no name here. A code that is out of range becomes the nearest that is in it. What cannot be in a line is left out
    /// of the reason.
    public init(code: Int, reason: String) {
        self.code = min(max(code, 100), 999)
        self.reason = String(decoding: reason.utf8.filter { $0 >= 0x20 && $0 != 0x7F }, as: UTF8.self)
    }

    private init(_ code: Int, _ reason: String) {
        self.code = code
        self.reason = reason
    }

    /// As in `404 Not Found`.
    public var description: String { "\(code) \(reason)" }

    public static var switchingProtocols: Self { Self(101, "Switching Protocols") }
    public static var ok: Self { Self(200, "OK") }
    public static var badRequest: Self { Self(400, "Bad Request") }
    public static var forbidden: Self { Self(403, "Forbidden") }
    public static var notFound: Self { Self(404, "Not Found") }
    public static var methodNotAllowed: Self { Self(405, "Method Not Allowed") }
    public static var requestTimeout: Self { Self(408, "Request Timeout") }
    public static var contentTooLarge: Self { Self(413, "Content Too Large") }
    public static var uriTooLong: Self { Self(414, "URI Too Long") }
    public static var upgradeRequired: Self { Self(426, "Upgrade Required") }
    public static var tooManyRequests: Self { Self(429, "Too Many Requests") }
    public static var requestHeaderFieldsTooLarge: Self { Self(431, "Request Header Fields Too Large") }
    public static var notImplemented: Self { Self(501, "Not Implemented") }
    public static var serviceUnavailable: Self { Self(503, "Service Unavailable") }
    public static var httpVersionNotSupported: Self { Self(505, "HTTP Version Not Supported") }
}
