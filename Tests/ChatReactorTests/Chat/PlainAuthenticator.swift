import ChatReactor

/// Knows passwords as they are, and answers at once, or when the test says so.
final class PlainAuthenticator: ChatAuthenticator {
    var passwords: [ChatName: String]
    var operators: Set<ChatName>
    /// What it was asked, in order.
    private(set) var judged: [(name: ChatName, password: String)] = []
    /// Those who wait for `answer`; nil if none has to.
    private(set) var waiting: [(name: ChatName, give: () -> Void)]?

    /// - Parameter waits: Whether each judgement waits for `answer`.
    init(_ passwords: [String: String], operators: [String] = [], waits: Bool = false) throws {
        self.passwords = try Dictionary(uniqueKeysWithValues: passwords.map { (try ChatName($0.key), $0.value) })
        self.operators = Set(try operators.map { try ChatName($0) })
        waiting = waits ? [] : nil
    }

    func isKnown(_ name: ChatName) -> Bool { passwords[name] != nil }
    func isOperator(_ name: ChatName) -> Bool { operators.contains(name) }

    func judge(_ password: String, of name: ChatName, then completion: @escaping (Bool) -> Void) {
        judged.append((name, password))
        let isRight = passwords[name] == password
        if waiting == nil { completion(isRight) } else { waiting?.append((name, { completion(isRight) })) }
    }

    /// Answers whom it was first asked about.
    func answer() {
        let first = waiting?.removeFirst()
        first?.give()
    }
}
