/// Reads the heads of requests of HTTP/1.1 (RFC 9112), a line at a time, and refuses whatever is not exactly one.
///
/// It is a value, knows nothing of connections, and asks for no more than the lines, with their line ends taken off. What it keeps is
/// bounded by ``maximumLength``. A request that two programs could understand in two ways is refused: one of them may be a proxy that
/// lets only some requests pass.
///
/// ```swift
/// var reader = HTTPRequestReader()
/// for line in lines {
///     if let request = try reader.receive(line.utf8.span) { print(request.path) }
/// }
/// ```
public struct HTTPRequestReader: Sendable {
    /// How long a head may be, in bytes, with two for each line end.
    public static let maximumLength = 8_192
    /// How many fields it may have.
    public static let maximumFieldCount = 64

    /// What is no request that is served here: the connection that it has come from cannot go on, since nobody knows where the next one
    /// would begin.
    public struct Refusal: Error, Hashable, Sendable, CustomStringConvertible {
        public let status: HTTPStatus
        /// What is wrong, in lower case: as in `a field without a colon`.
        public let description: String

        init(_ status: HTTPStatus, _ description: String) {
            self.status = status
            self.description = description
        }
    }

    private struct RequestLine {
        let method: String
        let target: String
        /// Of 1.1 and later; if not, it is of 1.0.
        let isPersistent: Bool
    }

    private var length = 0
    private var requestLine: RequestLine?
    private var fields: [HTTPRequest.Field] = []

    /// A reader that has read nothing.
    public init() {}

    /// Whether the first line of a head has come, and the last has not.
    public var hasBegun: Bool { requestLine != nil }

    /// Takes the next line, without its `\r\n` or `\n`. Returns the request whose head it ends; the next line begins another one.
    ///
    /// - Throws: A ``Refusal`` with `400 Bad Request` for what is not well-formed, lacks its Host or has two; `405 Method Not Allowed` and
    ///   `501 Not Implemented` for a method other than GET and HEAD, the latter if nobody knows it; `413 Content Too Large` for one with
    ///   content, and 501 if that is encoded; `414 URI Too Long` and `431 Request Header Fields Too Large` beyond the limits;
    ///   `505 HTTP Version Not Supported`. After that, the reader is as a new one.
    /// - Complexity: O(*n*) for *n* bytes; for the last line, of the whole head.
    public mutating func receive(_ line: Span<UInt8>) throws(Refusal) -> HTTPRequest? {
        do throws(Refusal) {
            return try read(line)
        } catch {
            self = Self()
            throw error
        }
    }

    /// What becomes of a line that was longer than its reader's owner has kept.
    public mutating func refuseLongLine() -> Refusal {
        let hasRequestLine = requestLine != nil
        self = Self()
        return hasRequestLine ? Self.tooManyFields : Self.targetTooLong
    }

    private static let targetTooLong = Refusal(.uriTooLong, "a request line that is too long")
    private static let tooManyFields = Refusal(.requestHeaderFieldsTooLarge, "a head that is too long")

    private mutating func read(_ line: Span<UInt8>) throws(Refusal) -> HTTPRequest? {
        length &+= min(line.count, Self.maximumLength) &+ 2
        if length > Self.maximumLength { throw requestLine == nil ? Self.targetTooLong : Self.tooManyFields }
        guard let requestLine else {
            // An empty line before a request is passed over, as RFC 9112 has it (2.2). It counts, so that not all lines can be empty.
            if !line.isEmpty { requestLine = try Self.requestLine(of: line) }
            return nil
        }
        if !line.isEmpty {
            if fields.count == Self.maximumFieldCount { throw Self.tooManyFields }
            fields.append(try Self.field(of: line))
            return nil
        }
        let request = try Self.request(requestLine, fields)
        self = Self()
        return request
    }

    // MARK: - Lines

    private static func requestLine(of line: Span<UInt8>) throws(Refusal) -> RequestLine {
        let parts = Array(copying: line).split(separator: UInt8(ascii: " "), omittingEmptySubsequences: false)
        guard parts.count == 3, isToken(parts[0]) else { throw Refusal(.badRequest, "a malformed request line") }
        let version = Array(parts[2])
        guard version.count == 8, version.starts(with: "HTTP/".utf8), isDigit(version[5]), version[6] == UInt8(ascii: "."),
            isDigit(version[7])
        else { throw Refusal(.badRequest, "a malformed version") }
        guard version[5] == UInt8(ascii: "1") else { throw Refusal(.httpVersionNotSupported, "a version other than HTTP/1") }
        guard !parts[1].isEmpty, parts[1].allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "#") }) else {
            throw Refusal(.badRequest, "a malformed target")
        }
        return RequestLine(
            method: String(decoding: parts[0], as: UTF8.self), target: String(decoding: parts[1], as: UTF8.self),
            isPersistent: version[7] != UInt8(ascii: "0"))
    }

    private static func field(of line: Span<UInt8>) throws(Refusal) -> HTTPRequest.Field {
        let line = Array(copying: line)
        // A space in front would continue the line before, which nobody has done since 2014, and not all programs understand.
        if isSpace(line[0]) { throw Refusal(.badRequest, "a folded line") }
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else { throw Refusal(.badRequest, "a field without a colon") }
        // A space before the colon is not part of a name, so it is refused here.
        guard isToken(line[..<colon]) else { throw Refusal(.badRequest, "a malformed name of a field") }
        let value = line[(colon + 1)...].trimming(while: isSpace)
        guard value.allSatisfy({ $0 >= 0x20 && $0 != 0x7F || $0 == 0x09 }) else {
            throw Refusal(.badRequest, "a control character in a field")
        }
        return HTTPRequest.Field(
            name: String(decoding: line[..<colon], as: UTF8.self), value: String(decoding: value, as: UTF8.self))
    }

    // MARK: - The whole

    private static func request(_ line: RequestLine, _ fields: [HTTPRequest.Field]) throws(Refusal) -> HTTPRequest {
        let hosts = fields.values(of: "Host")
        guard hosts.count == 1 || hosts.isEmpty && !line.isPersistent else {
            throw Refusal(.badRequest, hosts.isEmpty ? "no Host" : "more than one Host")
        }
        guard hosts.allSatisfy(isHost) else { throw Refusal(.badRequest, "a malformed Host") }
        guard let method = HTTPRequest.Method(rawValue: line.method) else {
            let isKnown = ["POST", "PUT", "DELETE", "CONNECT", "OPTIONS", "TRACE", "PATCH"].contains(line.method)
            throw Refusal(isKnown ? .methodNotAllowed : .notImplemented, "a method other than GET and HEAD")
        }
        if !fields.values(of: "Transfer-Encoding").isEmpty { throw Refusal(.notImplemented, "content that is encoded") }
        let lengths = fields.values(of: "Content-Length")
        guard lengths.allSatisfy({ !$0.isEmpty && $0.utf8.allSatisfy(isDigit) }), Set(lengths).count <= 1 else {
            throw Refusal(.badRequest, "a malformed Content-Length")
        }
        if let length = lengths.first, length.contains(where: { $0 != "0" }) {
            throw Refusal(.contentTooLarge, "a request with content")
        }
        return HTTPRequest(
            method: method, target: try originForm(of: line.target), fields: fields,
            closesConnection: fields.lists("close", in: "Connection") || !line.isPersistent)
    }

    /// The target from its path on. A proxy may be sent an absolute one, and a server has to take that as well (RFC 9112, 3.2.2).
    private static func originForm(of target: String) throws(Refusal) -> String {
        if target.utf8.first == UInt8(ascii: "/") { return target }
        let scheme = "http://"
        guard target.utf8.count > scheme.utf8.count, target.utf8.prefix(scheme.utf8.count).elementsEqualIgnoringCase(scheme.utf8)
        else { throw Refusal(.badRequest, "a malformed target") }
        let rest = target.utf8.dropFirst(scheme.utf8.count)
        let authority = rest.prefix { $0 != UInt8(ascii: "/") && $0 != UInt8(ascii: "?") }
        guard !authority.isEmpty, isHost(String(decoding: authority, as: UTF8.self)) else {
            throw Refusal(.badRequest, "a malformed target")
        }
        let path = rest.dropFirst(authority.count)
        return (path.first == UInt8(ascii: "/") ? "" : "/") + String(decoding: path, as: UTF8.self)
    }

    // MARK: - Characters

    private static func isToken(_ bytes: some Collection<UInt8>) -> Bool {
        !bytes.isEmpty && bytes.allSatisfy { isAlphanumeric($0) || "!#$%&'*+-.^_`|~".utf8.contains($0) }
    }

    /// A name or an address, and perhaps a port.
    private static func isHost(_ text: String) -> Bool {
        text.utf8.allSatisfy { isAlphanumeric($0) || "-._~%!$&'()*+,;=:[]".utf8.contains($0) }
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        isDigit(byte) || (byte | 0x20 >= UInt8(ascii: "a") && byte | 0x20 <= UInt8(ascii: "z"))
    }

    private static func isDigit(_ byte: UInt8) -> Bool { byte >= UInt8(ascii: "0") && byte <= UInt8(ascii: "9") }

    private static func isSpace(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
}

extension BidirectionalCollection {
    func trimming(while predicate: (Element) -> Bool) -> SubSequence {
        let start = firstIndex { !predicate($0) } ?? endIndex
        let end = self[start...].lastIndex { !predicate($0) }.map { index(after: $0) } ?? start
        return self[start..<end]
    }
}

extension [UInt8] {
    fileprivate init(copying bytes: Span<UInt8>) {
        self = unsafe bytes.withUnsafeBufferPointer { unsafe Array($0) }
    }
}
