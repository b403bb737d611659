/// The logins that were sent and not answered yet. The server answers each of them, in their order.
struct UnansweredLogins {
    /// Nil for one that lacks its name or its password, which the server refuses like any other.
    private var sent: [Credentials?] = []

    var isEmpty: Bool { sent.isEmpty }

    mutating func didSend(_ credentials: Credentials) { sent.append(credentials) }

    /// - Parameter line: As the user has sent it; what is no login is not kept.
    mutating func didSend(_ line: String) {
        if line.commandName == "/login" { sent.append(Credentials(line)) }
    }

    mutating func wasRefused() {
        if !sent.isEmpty { sent.removeFirst() }
    }

    /// The user has logged in. Returns by which of them that was; nil if by none.
    mutating func didSucceed(as name: String) -> Credentials? {
        // Those before it were answered by a server that does not say which errors answer a login.
        guard let index = sent.firstIndex(where: { $0?.name.lowercased() == name.lowercased() }) else { return nil }
        defer { sent.removeFirst(index + 1) }
        return sent[index]
    }
}
