public import ChatReactor
import Glibc
public import Reactor

/// The file of those who can log in: a line for each, with the name and the hash of its password, and `operator` for who may give the
/// operator's commands.
///
///     # Who may speak.
///     ana:$y$j9T$F5Jx5fExrKuPp53xLKQ..1$X3DX6M94c7o.9agCG9G317fhZg9SqC.5i5rd.RhAtQ7:operator
///     ben:$6$rounds=10000$ZmVk$…
///     bot:*
///
/// With `*` in place of a hash, no password is right, and who has the name must prove that otherwise: by a certificate, for instance.
public struct PasswordFile: Sendable {
    /// The most that a file may have: more than a hundred thousand lines.
    private static let limit = 16 << 20

    /// Somebody who can log in.
    public struct Entry: Sendable, Equatable {
        /// Nil if no password is right.
        public var hash: PasswordHash?
        public var isOperator = false

        public init(hash: PasswordHash?, isOperator: Bool = false) {
            self.hash = hash
            self.isOperator = isOperator
        }
    }

    public private(set) var entries: [ChatName: Entry] = [:]
    /// As they were read, so that what somebody has written besides stays.
    private var lines: [String] = []
    /// The line of each name, from 0.
    private var indices: [ChatName: Int] = [:]

    /// A file without names.
    public init() {}

    /// What a file has.
    ///
    /// - Throws: If it cannot be read, if others may read it, or if a line of it names nobody.
    ///
    /// The corresponding C functions are `open`, `fstat` and `read`.
    public init(reading path: String) throws(PasswordFileError) {
        let bytes: [UInt8]
        let mode: UInt32
        do throws(Errno) {
            guard let file = try WholeFile.readWithMode(path, limit: Self.limit) else { throw Errno(rawValue: ENOENT) }
            (bytes, mode) = file
        } catch {
            throw PasswordFileError(doing: "read", path, error)
        }
        // Whoever has the hashes can try passwords as fast as it likes, and who may write it can be anybody.
        if mode & 0o007 != 0 || mode & 0o020 != 0 {
            throw PasswordFileError(
                path, "others may read or write it; chmod 600 makes it its owner's alone", error: .permissionDenied)
        }
        guard let text = String(validating: bytes, as: UTF8.self) else { throw PasswordFileError(path, "it is not UTF-8") }
        do throws(Damage) { try self.init(text) } catch { throw PasswordFileError(path, "line \(error.line): \(error.reason)") }
    }

    /// What is wrong with a line, which is counted from 1. The reason has nothing in it that the line has but a name.
    struct Damage: Error, Equatable {
        let line: Int
        let reason: String
    }

    init(_ text: String) throws(Damage) {
        // By bytes: what some editors end lines with is one character.
        lines = text.utf8.split(separator: 10, omittingEmptySubsequences: false)
            .map { String(Substring($0.last == 13 ? $0.dropLast() : $0)) }
        if lines.last == "" { lines.removeLast() }
        for (index, line) in lines.enumerated() {
            do throws(Reason) {
                guard let (name, entry) = try Self.parse(line) else { continue }
                if let first = indices[name] { throw Reason("\(name) is in line \(first + 1) already") }
                indices[name] = index
                entries[name] = entry
            } catch {
                throw Damage(line: index + 1, reason: error.description)
            }
        }
    }

    private struct Reason: Error {
        let description: String
        init(_ description: String) { self.description = description }
    }

    /// Nil for a line that is empty, or a comment.
    private static func parse(_ line: String) throws(Reason) -> (ChatName, Entry)? {
        if line.utf8.allSatisfy({ $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\t") }) || line.utf8.first == UInt8(ascii: "#") {
            return nil
        }
        // By bytes: a colon with a mark after it is another character.
        let fields = line.utf8.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false).map { String(Substring($0)) }
        guard (2...3).contains(fields.count) else { throw Reason("write NAME:HASH or NAME:HASH:operator") }
        let name: ChatName
        do throws(ChatName.Invalid) { name = try ChatName(fields[0]) } catch { throw Reason("\(error)") }
        var entry = Entry(hash: nil)
        if fields[1] != "*" {
            entry.hash = PasswordHash(fields[1])
            if entry.hash == nil {
                throw Reason("the hash of \(name) is not of yescrypt, scrypt, bcrypt, sha512crypt or sha256crypt, or not whole")
            }
        }
        if fields.count == 3 {
            guard fields[2] == "operator" else { throw Reason("after the second colon there may be 'operator' alone") }
            entry.isOperator = true
        }
        return (name, entry)
    }

    // MARK: - Changing

    /// Adds somebody, or replaces the line that it has.
    public mutating func set(_ entry: Entry, for name: ChatName) {
        let line = "\(name):\(entry.hash?.description ?? "*")\(entry.isOperator ? ":operator" : "")"
        if let index = indices[name] {
            lines[index] = line
        } else {
            indices[name] = lines.count
            lines.append(line)
        }
        entries[name] = entry
    }

    /// Removes somebody. Returns whether it was there.
    public mutating func remove(_ name: ChatName) -> Bool {
        guard let index = indices.removeValue(forKey: name) else { return false }
        entries[name] = nil
        lines.remove(at: index)
        for (other, place) in indices where place > index { indices[other] = place - 1 }
        return true
    }

    var text: String { lines.map { $0 + "\n" }.joined() }

    /// Writes the file, whole or not at all. It stays its owner's; a new one may be read and written by its owner alone.
    ///
    /// - Throws: If it cannot be written. Then what was there is still there.
    ///
    /// The corresponding C functions are `open`, `write`, `fchown`, `fsync` and `rename`.
    public func write(to path: String) throws(PasswordFileError) {
        do throws(Errno) { try WholeFile.write(Array(text.utf8), to: path, keepsOwner: true) } catch {
            throw PasswordFileError(doing: "write", path, error)
        }
    }
}

/// Why a file of passwords could not be read or written, in a sentence that has no hash in it.
public struct PasswordFileError: Error, CustomStringConvertible {
    public let description: String
    /// What the system has said; nil if it is about what is in the file.
    public let error: Errno?

    init(_ path: String, _ reason: String, error: Errno? = nil) {
        description = "cannot use the passwords \(path): \(reason)"
        self.error = error
    }

    init(doing operation: String, _ path: String, _ error: Errno) {
        description = "cannot \(operation) the passwords \(path): \(error == .invalidArgument ? "it is no file" : "\(error)")"
        self.error = error
    }
}
