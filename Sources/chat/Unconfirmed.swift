/// What the user has said and the server has not confirmed yet, so that a break of the connection can tell what may be lost.
struct Unconfirmed {
    /// More are forgotten: the oldest.
    private static let limit = 100

    private(set) var texts: [String] = []

    /// - Parameter line: As it was sent. Commands are not kept: each has another answer.
    mutating func didSend(_ line: String) {
        let isCommand = line.utf8.first == UInt8(ascii: "/") && !line.hasPrefix("//")
        if isCommand || line.allSatisfy({ $0 == " " || $0 == "\t" }) { return }
        texts.append(line.hasPrefix("//") ? String(line.dropFirst()) : line)
        if texts.count > Self.limit { texts.removeFirst() }
    }

    /// The server confirms in the order in which it was sent to.
    mutating func didConfirm() {
        if !texts.isEmpty { texts.removeFirst() }
    }

    /// It has turned out that a text has arrived. Returns whether the user did not know that.
    mutating func didArrive(_ text: String) -> Bool {
        guard let index = texts.firstIndex(of: text) else { return false }
        texts.remove(at: index)
        return true
    }

    /// Returns all, and forgets them.
    mutating func takeAll() -> [String] {
        defer { texts = [] }
        return texts
    }
}
