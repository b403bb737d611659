/// A request without content, as an ``HTTPRequestReader`` has read it: it is well-formed, and its method is GET or HEAD.
public struct HTTPRequest: Hashable, Sendable {
    /// A line of the head, behind the first.
    public struct Field: Hashable, Sendable {
        /// The name, as it was written: names are compared without regard to case.
        public let name: String
        /// The value, without the spaces around it. What is not UTF-8 is U+FFFD.
        public let value: String
    }

    /// The methods that are served.
    public enum Method: String, Hashable, Sendable {
        case get = "GET"
        /// The response is that of GET, without its content.
        case head = "HEAD"
    }

    public let method: Method
    /// What is asked for, from its first slash on and with the query, as it was written: `/metrics?name=a%20b`.
    public let target: String
    /// In the order in which they came, those of a name that comes twice among them.
    public let fields: [Field]
    /// Whether the connection is to be closed after the response.
    public let closesConnection: Bool

    /// The target up to a question mark, as it was written: nothing in it is decoded.
    public var path: Substring { target.prefix { $0 != "?" } }

    /// The words of a field that is a list, such as `Connection: keep-alive, Upgrade`, in the order in which they came.
    ///
    /// - Complexity: O(*n*) for *n* fields.
    package func words(of name: String) -> [Substring] { fields.words(of: name) }

    /// The values of the fields of a name, whatever the case of its letters.
    ///
    /// - Complexity: O(*n*) for *n* fields.
    public func values(of name: String) -> [String] { fields.values(of: name) }
}

extension [HTTPRequest.Field] {
    func values(of name: String) -> [String] {
        filter { $0.name.utf8.elementsEqualIgnoringCase(name.utf8) }.map(\.value)
    }
}

extension [HTTPRequest.Field] {
    func words(of name: String) -> [Substring] {
        values(of: name).flatMap { value in value.split(separator: ",").map(\.trimmingBlanks) }
    }

    /// Whether one of the words of a field is this one, whatever the case of its letters.
    func lists(_ word: String, in name: String) -> Bool {
        words(of: name).contains { $0.utf8.elementsEqualIgnoringCase(word.utf8) }
    }
}

extension Substring {
    /// Without the spaces and tabs around it.
    package var trimmingBlanks: Substring { Substring(utf8.trimming { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }) }
}

extension Sequence<UInt8> {
    /// Whether two texts are the same but for the case of the letters A to Z.
    func elementsEqualIgnoringCase(_ other: some Sequence<UInt8>) -> Bool {
        func lowercase(_ byte: UInt8) -> UInt8 { byte >= 0x41 && byte <= 0x5A ? byte | 0x20 : byte }
        return elementsEqual(other) { lowercase($0) == lowercase($1) }
    }
}
