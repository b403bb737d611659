import ChatReactorText
import Glibc
public import Reactor

/// Who may not be in a chat: by name, by address or by block of addresses, each until an end or for good.
///
/// ```swift
/// chat.bans = try BanList(file: "/var/lib/chatd/bans")
/// try chat.ban(Ban(.addresses(AddressBlock("2001:db8::/32")), for: .seconds(3_600), reason: "flooding"))
/// ```
///
/// It may be kept in a file: text, a ban a line, with who is meant, the end and the reason.
///
///     # Bans of chatd.
///     ana - rude
///     203.0.113.0/24 2026-12-01T12:00:00.000Z flooding
///
/// With each change the file is written anew, whole or not at all. That blocks the loop until the disk has it.
///
/// It belongs to the thread of the chat's loop.
public final class BanList {
    /// The most that a file may have: hundreds of thousands of bans.
    private static let fileLimit = 64 << 20
    private static let head = """
        # Bans of chatd: who is meant, the end or -, and the reason. chatd writes this file anew with each change.

        """

    private let path: String?
    private var byName: [ChatName: Ban] = [:]
    private var byBlock = AddressTable<Ban>()

    /// An empty list, which is kept nowhere.
    public init() {
        path = nil
    }

    /// The list that a file has, which is made if there is none.
    ///
    /// - Throws: If the file cannot be read or made, or if a line of it is no ban. It is left as it was.
    ///
    /// - Complexity: O(*n*) for *n* bans.
    public init(file path: String) throws(BanListError) {
        self.path = path
        let bytes: [UInt8]?
        do throws(Errno) {
            bytes = try WholeFile.read(path, limit: Self.fileLimit)
        } catch {
            throw BanListError(doing: "read", path, error)
        }
        if bytes == nil { try write(now: Timestamp.now) }
        let lines = (bytes ?? []).split(separator: 10, omittingEmptySubsequences: false)
        for (index, line) in lines.enumerated() {
            do throws(Damage) {
                // What follows the last newline is the beginning of a line that was to be longer: `10.0.0.0/1`, perhaps, of `/16`.
                if index == lines.count - 1, !line.isEmpty { throw .init("the file ends within it, without a newline") }
                if let ban = try Self.parse(line) { insert(ban) }
            } catch {
                throw BanListError("cannot use the bans \(path): line \(index + 1): \(error.description)")
            }
        }
    }

    // MARK: - Looking up

    /// The ban of a name, if there is one.
    public func ban(of name: ChatName) -> Ban? {
        live(byName[name], at: Timestamp.now)
    }

    /// The ban of an address, whatever its port, if there is one: of several, that of the smallest block.
    ///
    /// - Complexity: O(*k*) for *k* different lengths of blocks, however many bans there are.
    public func ban(of address: SocketAddress) -> Ban? {
        ban(of: address, at: Timestamp.now)
    }

    func ban(of address: SocketAddress, at time: Int64) -> Ban? {
        byBlock.first(of: address) { !$0.isOver(at: time) }
    }

    private func live(_ ban: Ban?, at time: Int64) -> Ban? {
        ban.flatMap { $0.isOver(at: time) ? nil : $0 }
    }

    /// The bans that are not over: the names first, and each kind in its order.
    ///
    /// - Complexity: O(*n* log *n*).
    public var all: [Ban] { all(at: Timestamp.now) }

    func all(at time: Int64) -> [Ban] {
        let names = byName.values.filter { !$0.isOver(at: time) }.sorted { "\($0.subject)" < "\($1.subject)" }
        let blocks = byBlock.entries.filter { !$0.value.isOver(at: time) }.sorted { one, other in
            let (one, other) = (one.key, other.key)
            if one.family != other.family { return one.family == .ipv4 }
            return (one.bits, one.length) < (other.bits, other.length)
        }
        return names + blocks.map(\.value)
    }

    // MARK: - Changing

    /// Adds a ban, in place of another one of the same subject. It does not close anybody: `Chat.ban` does.
    ///
    /// - Throws: If the file cannot be written. The ban holds all the same, and is written with the next change.
    ///
    /// - Complexity: O(1), and O(*n* log *n*) with a file.
    public func add(_ ban: Ban) throws(BanListError) {
        insert(ban)
        try write(now: Timestamp.now)
    }

    /// Adds several, and writes the file once.
    func add(contentsOf bans: [Ban]) throws(BanListError) {
        for ban in bans { insert(ban) }
        try write(now: Timestamp.now)
    }

    /// Removes the ban of exactly this subject. Returns whether there was one.
    ///
    /// - Throws: If the file cannot be written. The ban is removed all the same, and from the file with the next change.
    @discardableResult
    public func remove(_ subject: Ban.Subject) throws(BanListError) -> Bool {
        let now = Timestamp.now
        guard let removed = take(subject) else { return false }
        try write(now: now)
        return !removed.isOver(at: now)
    }

    func insert(_ ban: Ban) {
        _ = take(ban.subject)
        switch ban.subject {
        case .name(let name): byName[name] = ban
        case .addresses(let block): byBlock.insert(ban, for: block)
        }
    }

    private func take(_ subject: Ban.Subject) -> Ban? {
        switch subject {
        case .name(let name): return byName.removeValue(forKey: name)
        case .addresses(let block): return byBlock.remove(block)
        }
    }

    // MARK: - The file

    private struct Damage: Error {
        let description: String

        init(_ description: String) {
            self.description = description
        }
    }

    /// The ban of a line; nil if it is empty or a comment.
    private static func parse(_ line: ArraySlice<UInt8>) throws(Damage) -> Ban? {
        // Some editors end lines by two characters.
        let line = line.last == 13 ? line.dropLast() : line
        guard String(validating: line, as: UTF8.self) != nil else { throw .init("it is not UTF-8") }
        // By bytes: a space is another character with a mark after it.
        let words = line.split(maxSplits: 2) { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }
            .map { String(decoding: $0, as: UTF8.self) }
        guard let subject = words.first, subject.utf8.first != UInt8(ascii: "#") else { return nil }
        guard words.count >= 2 else { throw .init("the end is missing; write - for none") }
        var end: Int64?
        if words[1] != "-" {
            end = Timestamp.parse(rfc3339: words[1])
            if end == nil { throw .init("the end is no time like 2026-12-01T12:00:00Z") }
        }
        do throws(Ban.Subject.Invalid) {
            return Ban(try Ban.Subject(subject), end: end, reason: words.count > 2 ? words[2] : "")
        } catch {
            throw .init("\(error)")
        }
    }

    private func write(now: Int64) throws(BanListError) {
        // What is over need not be kept any longer, neither here nor there.
        for ban in byName.values where ban.isOver(at: now) { _ = take(ban.subject) }
        for ban in byBlock.entries.values where ban.isOver(at: now) { _ = take(ban.subject) }
        guard let path else { return }
        var text = Array(Self.head.utf8)
        for ban in all(at: now) {
            text.append("\(ban.subject) \(ban.end.map(Timestamp.rfc3339) ?? "-")\(ban.reason.isEmpty ? "" : " ")\(ban.reason)\n")
        }
        do throws(Errno) {
            try WholeFile.write(text, to: path)
        } catch {
            throw BanListError(doing: "write", path, error)
        }
    }
}

/// Why a list of bans could not be read or kept, in a sentence.
public struct BanListError: Error, Hashable, Sendable, CustomStringConvertible {
    public let description: String
    /// What the system has said; nil if a line of the file is no ban.
    public let error: Errno?

    init(_ description: String) {
        self.description = description
        error = nil
    }

    init(doing operation: String, _ path: String, _ error: Errno) {
        description = "cannot \(operation) the bans \(path): \(error == .invalidArgument ? "it is no file" : "\(error)")"
        self.error = error
    }
}
