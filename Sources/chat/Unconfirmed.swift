/// What the user has said and the server has not confirmed yet, so that a break of the connection can tell what may be lost.
struct Unconfirmed {
    private struct Entry {
        /// As the user knows it.
        let text: String
        /// As it comes in a replay; nil for what is said to one person alone, which is in none.
        let replayed: String?
    }

    /// Of more, the oldest are only counted.
    private static let limit = 100

    private var entries: [Entry] = []
    /// How many came before those that are kept.
    private(set) var forgottenCount = 0

    var texts: [String] { entries.map(\.text) }
    var count: Int { forgottenCount + entries.count }

    /// - Parameter line: As it was sent. Commands are not kept, but for those that say something: each of the others has another answer.
    mutating func didSend(_ line: String) {
        if line.trimmed.isEmpty { return }
        switch line.commandName {
        case nil:
            let text = line.saidText
            // A login without its slash, and the like.
            entries.append(Entry(text: Credentials.areIn(line) ? Credentials.shown(line) : text, replayed: text))
        case "/me" where !line.argument.isEmpty: entries.append(Entry(text: line, replayed: line.argument))
        case "/msg", "/reply": entries.append(Entry(text: line, replayed: nil))
        default: return
        }
        if entries.count > Self.limit {
            entries.removeFirst()
            forgottenCount += 1
        }
    }

    /// The server confirms in the order in which it was sent to.
    mutating func didConfirm() {
        if forgottenCount > 0 {
            forgottenCount -= 1
        } else if !entries.isEmpty {
            entries.removeFirst()
        }
    }

    /// It has turned out that a text has arrived. Returns whether the user did not know that.
    @discardableResult mutating func didArrive(_ text: String) -> Bool {
        guard let index = entries.firstIndex(where: { $0.replayed == text }) else { return false }
        entries.remove(at: index)
        return true
    }

    /// Returns all that are kept, and forgets them.
    mutating func takeAll() -> [String] {
        defer { (forgottenCount, entries) = (0, []) }
        return texts
    }
}
