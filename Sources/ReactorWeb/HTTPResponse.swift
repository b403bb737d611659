import Reactor

/// What a request is answered with.
public struct HTTPResponse {
    public var status: HTTPStatus
    /// Fields besides those that the handler makes: Date, Content-Length and Connection.
    public var fields: [(name: String, value: String)] = []
    public var content: [UInt8]
    /// Hands the connection over to another protocol, once this response is sent; nil of all other responses.
    var upgrade: ((Connection) -> Void)?

    /// A response whose content is text.
    ///
    /// - Parameter type: What the content is, as Content-Type has it.
    public init(_ text: String, status: HTTPStatus = .ok, type: String = "text/plain; charset=utf-8") {
        self.status = status
        fields = [("Content-Type", type)]
        content = Array(text.utf8)
    }

    /// A response that says no more than its status, as a line of text.
    public init(_ status: HTTPStatus) {
        self.init("\(status)\n", status: status)
    }

    /// The response as it goes over the wire.
    ///
    /// - Parameters:
    ///   - isHead: Whether the content is left out. Its length is not.
    ///   - closes: Whether no other response follows.
    ///   - time: When it is sent, in seconds since 1970.
    func encoded(isHead: Bool, closes: Bool, at time: Int) -> [UInt8] {
        var head = "HTTP/1.1 \(status)\r\nDate: \(HTTPDate(time))\r\n"
        // What follows an upgrade is no content.
        if upgrade == nil { head += "Content-Length: \(content.count)\r\n" }
        let isOption: ((name: String, value: String)) -> Bool = { $0.name.lowercased() == "connection" }
        let options = (closes ? ["close"] : []) + fields.filter(isOption).map(\.value)
        if !options.isEmpty { head += "Connection: \(Self.line(options.joined(separator: ", ")))\r\n" }
        for (name, value) in fields where !isOption((name, value)) { head += "\(Self.line(name)): \(Self.line(value))\r\n" }
        return Array((head + "\r\n").utf8) + (isHead ? [] : content)
    }

    /// A text without what would end its line: whatever a responder has put into a field, it cannot make another one of it.
    private static func line(_ text: String) -> String {
        String(decoding: text.utf8.map { $0 < 0x20 || $0 == 0x7F ? 0x20 : $0 }, as: UTF8.self)
    }
}
