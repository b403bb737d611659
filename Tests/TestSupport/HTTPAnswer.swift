/// A response of HTTP/1.1 as it has come over the wire.
public struct HTTPAnswer: Equatable {
    public let status: Int
    /// The lines of the head behind the first, by their names in lower case.
    public let fields: [String: String]
    public let content: String

    /// The responses that a text is made of, in their order; nil if it is not made of whole ones.
    ///
    /// - Parameter heads: Which of them answer HEAD, and so have no content.
    public static func all(in text: String, heads: Set<Int> = []) -> [HTTPAnswer]? {
        var rest = Array(text.utf8)[...]
        var answers: [HTTPAnswer] = []
        while !rest.isEmpty {
            guard let answer = next(in: &rest, isHead: heads.contains(answers.count)) else { return nil }
            answers.append(answer)
        }
        return answers
    }

    private static func next(in bytes: inout ArraySlice<UInt8>, isHead: Bool) -> HTTPAnswer? {
        var lines: [String] = []
        repeat {
            guard let newline = bytes.firstIndex(of: 10), newline > bytes.startIndex, bytes[newline - 1] == 13 else { return nil }
            lines.append(String(decoding: bytes[..<(newline - 1)], as: UTF8.self))
            bytes = bytes[(newline + 1)...]
        } while lines.last != ""
        let words = lines[0].split(separator: " ", maxSplits: 2)
        guard words.count == 3, words[0] == "HTTP/1.1", let status = Int(words[1]) else { return nil }
        var fields: [String: String] = [:]
        for line in lines[1...].dropLast() {
            guard let colon = line.firstRange(of: ": ") else { return nil }
            guard fields.updateValue(String(line[colon.upperBound...]), forKey: line[..<colon.lowerBound].lowercased()) == nil
            else { return nil }
        }
        guard let length = fields["content-length"].flatMap({ Int($0) }) else { return nil }
        let content = bytes.prefix(isHead ? 0 : length)
        guard isHead || content.count == length else { return nil }
        bytes = bytes.dropFirst(content.count)
        return HTTPAnswer(status: status, fields: fields, content: String(decoding: content, as: UTF8.self))
    }
}

extension Peer {
    /// Sends requests and closes after them. Returns the responses.
    public func ask(_ requests: String) throws -> [HTTPAnswer]? {
        try send(requests)
        shutDownSending()
        return HTTPAnswer.all(in: String(decoding: try receiveAll(), as: UTF8.self))
    }
}
