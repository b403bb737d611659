import ChatReactor
import Glibc
import Reactor
import Synchronization
import TestSupport
import Testing

@testable import ChatdPasswords

/// Passwords are judged beside the loop, and each costs one hash.
struct PasswordAuthenticatorTests {
    private static func hash(_ password: String, _ setting: String) throws -> PasswordHash {
        try #require(PasswordHash(try PasswordHash.hash(password, by: setting)))
    }

    @Test func `what is hashed is judged, and nothing else`() throws {
        let hashes = try [
            Self.hash("olá", "$2b$04$abcdefghijklmnopqrstuu"), Self.hash("olá", "$6$rounds=1000$salt"),
            Self.hash("olá", "$5$rounds=1000$salt"), Self.hash("olá", "$y$j75$salt"), PasswordHash(of: "olá"),
        ]
        for hash in hashes {
            #expect(hash.isHash(of: "olá"))
            for other in ["ola", "", "olá ", "Olá", "olá\0"] { #expect(!hash.isHash(of: other), "\(hash) \(other)") }
        }
        // A salt of its own for each.
        let another = try PasswordHash(of: "olá")
        #expect(!hashes.contains(another) && another.isHash(of: "olá"))
    }

    @Test func `a cost has the method and the parameters, and no salt`() throws {
        let costs = try [
            Self.hash("x", "$2b$04$abcdefghijklmnopqrstuu"), Self.hash("x", "$6$rounds=1000$salt"), Self.hash("x", "$5$salt"),
            Self.hash("x", "$y$j75$salt"),
        ].map { String($0.cost) }
        #expect(costs == ["$2b$04", "$6$rounds=1000", "$5", "$y$j75"])
    }

    /// What was hashed, by the thread.
    private final class Hashes: Sendable {
        let all = Mutex<[(PasswordHash, String)]>([])
    }

    @Test func `a known name and an unknown one cost one hash each, of the same cost`() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        var file = PasswordFile()
        let usual = try (1...3).map { try Self.hash("tea", "$6$rounds=1000$salt\($0)") }
        let dear = try Self.hash("tea", "$6$rounds=2000$salt")
        for (number, hash) in ([dear] + usual).enumerated() { file.set(.init(hash: hash), for: try ChatName("name\(number)")) }
        file.set(.init(hash: nil), for: try ChatName("locked"))
        let hashes = Hashes()
        let authenticator = PasswordAuthenticator(file, workers: try PasswordWorkers(), on: loop) { hash, password in
            hashes.all.withLock { $0.append((hash, password)) }
            return hash.isHash(of: password)
        }
        var answers: [String: Bool] = [:]
        let attempts = [
            ("name0", "tea", true), ("name1", "tea", true), ("name1", "cocoa", false), ("nobody", "tea", false),
            ("locked", "tea", false), ("Name2", "tea", true),
        ]
        for (index, attempt) in attempts.enumerated() {
            authenticator.judge(attempt.1, of: try ChatName(attempt.0)) { answers["\(index)"] = $0 }
            try loop.run(until: { answers.count == index + 1 })
            #expect(answers["\(index)"] == attempt.2, "\(attempt)")
            #expect(hashes.all.withLock { $0.count } == index + 1)
        }
        let costs = hashes.all.withLock { $0.map { String($0.0.cost) } }
        #expect(costs == ["$6$rounds=2000"] + Array(repeating: "$6$rounds=1000", count: 5))
    }

    @Test func `the loop turns while a hash is made, and one that takes long leaves a thread for others`() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        var file = PasswordFile()
        for name in ["slow", "quick"] {
            file.set(.init(hash: try Self.hash(name, "$6$rounds=1000$salt")), for: try ChatName(name))
        }
        // Locked: whoever hashes the slow one waits.
        let gate = StreamGate()
        let authenticator = PasswordAuthenticator(file, workers: try PasswordWorkers(), on: loop) { hash, password in
            if password == "slow" { gate.wait() }
            return hash.isHash(of: password)
        }
        var answers: [String] = []
        for name in ["slow", "quick"] {
            authenticator.judge(name, of: try ChatName(name)) { if $0 { answers.append(name) } }
        }
        try loop.run(until: { answers == ["quick"] })
        let turns = loop.turnCount
        for _ in 0..<5 { try loop.runOnce(waitingAtMost: .milliseconds(1)) }
        #expect(loop.turnCount >= turns + 5 && answers == ["quick"])
        gate.open()
        try loop.run(until: { answers == ["quick", "slow"] })
    }

    /// Where a thread waits until the test opens it.
    private final class StreamGate: Sendable {
        private let isOpen = Mutex(false)
        func open() { isOpen.withLock { $0 = true } }
        func wait() { while !isOpen.withLock({ $0 }) { usleep(1_000) } }
    }
}
