public import ChatReactor
public import Reactor

/// Judges by a file of passwords, on threads of its own. Each judgement hashes once, whoever it is about.
public final class PasswordAuthenticator: ChatAuthenticator {
    public let file: PasswordFile
    private let workers: PasswordWorkers
    private let remote: EventLoop.Remote
    /// What a password is judged by that no entry has a hash for: it costs as much as most entries do, and no password is right.
    let standIn: PasswordHash?
    private let hash: @Sendable (PasswordHash, String) -> Bool

    public convenience init(_ file: PasswordFile, workers: PasswordWorkers, on loop: EventLoop) {
        self.init(file, workers: workers, on: loop) { $0.isHash(of: $1) }
    }

    /// - Parameter hash: Whether a hash is that of a password; called on another thread.
    init(
        _ file: PasswordFile, workers: PasswordWorkers, on loop: EventLoop,
        hash: @escaping @Sendable (PasswordHash, String) -> Bool
    ) {
        self.file = file
        self.workers = workers
        self.hash = hash
        remote = loop.remote
        standIn = Self.standIn(for: file)
    }

    private static func standIn(for file: PasswordFile) -> PasswordHash? {
        var counts: [Substring: (count: Int, example: PasswordHash)] = [:]
        for hash in file.entries.values.compactMap(\.hash) { counts[hash.cost, default: (0, hash)].count += 1 }
        // Of costs that as many have, always the same.
        let usual = counts.max { ($0.value.count, $0.key) < ($1.value.count, $1.key) }
        return usual?.value.example
    }

    public func isKnown(_ name: ChatName) -> Bool { file.entries[name] != nil }

    public func isOperator(_ name: ChatName) -> Bool { file.entries[name]?.isOperator == true }

    public func judge(_ password: String, of name: ChatName, then completion: @escaping (Bool) -> Void) {
        let own = file.entries[name]?.hash
        // A file without any hash has nothing to tell by its time.
        guard let judged = own ?? standIn else { return completion(false) }
        let answer = Answer(completion)
        workers.run { [hash, remote] in
            let isRight = hash(judged, password) && own != nil
            remote.execute { _ in answer.give(isRight) }
        }
    }

    /// Carries the completion, which belongs to the loop, past the thread that hashes. That may be the last to let go of this, but not of
    /// the completion.
    private final class Answer: @unchecked Sendable {
        private var completion: ((Bool) -> Void)?

        init(_ completion: @escaping (Bool) -> Void) {
            self.completion = completion
        }

        func give(_ isRight: Bool) {
            let completion = completion.take()
            completion?(isRight)
        }
    }
}
