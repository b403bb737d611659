import CChatdCrypt
public import Reactor

/// A hash of a password in a format of crypt(5), with its method, its cost and its salt.
public struct PasswordHash: Hashable, Sendable, CustomStringConvertible {
    public let description: String

    /// The methods that a password can be judged by, with the prefix of each and how its hash ends. What is older is too weak: it is
    /// found by trying all.
    private static let methods: [(prefixes: [String], parts: ClosedRange<Int>, endLength: Int)] = [
        // yescrypt and gost-yescrypt: $y$PARAMETERS$SALT$HASH.
        (["$y$", "$gy$"], 3...3, 43),
        // scrypt: $7$PARAMETERS SALT$HASH.
        (["$7$"], 2...2, 43),
        // bcrypt: $2b$COST$SALT HASH.
        (["$2b$", "$2a$", "$2y$"], 2...2, 53),
        // sha512crypt and sha256crypt: $6$SALT$HASH, with rounds=N$ before the salt or without.
        (["$6$"], 2...3, 86), (["$5$"], 2...3, 43),
    ]

    /// - Returns: Nil if it is no hash that a password can be judged by.
    public init?(_ text: String) {
        guard let method = Self.methods.first(where: { $0.prefixes.contains(where: text.hasPrefix) }) else { return nil }
        // After the dollar sign, the prefix, and the dollar sign behind it.
        let parts = text.utf8.split(separator: UInt8(ascii: "$"), omittingEmptySubsequences: false).dropFirst(2)
        let isWhole =
            text.utf8.count < Int(crypt_hash_size) && method.parts.contains(parts.count)
            && parts.last?.count == method.endLength && text.utf8.allSatisfy(Self.mayBeInHash)
        guard isWhole else { return nil }
        if parts.count > method.parts.lowerBound, parts.first?.starts(with: "rounds=".utf8) != true { return nil }
        description = text
    }

    private static func mayBeInHash(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
            UInt8(ascii: "."), UInt8(ascii: "/"), UInt8(ascii: "$"), UInt8(ascii: "="):
            true
        default: false
        }
    }

    /// Hashes a password with a new salt, by the method that this system prefers. It takes about as long as to judge one.
    ///
    /// - Throws: `ERANGE` for a password of more than 511 bytes, `ENOMEM`, and `EINVAL` if this system has no such method.
    ///
    /// The corresponding C functions are `crypt_gensalt_rn` and `crypt_r`.
    public init(of password: String) throws(Errno) {
        var setting = [CChar](repeating: 0, count: Int(crypt_hash_size))
        let result = unsafe crypt_make_setting(&setting)
        if result != 0 { throw Errno(rawValue: result) }
        guard let hash = PasswordHash(try Self.hash(password, by: Self.string(setting))) else { throw .invalidArgument }
        self = hash
    }

    /// What makes two hashes take the same time: the method and its parameters, without the salt.
    var cost: Substring {
        let parts = description.split(separator: "$", omittingEmptySubsequences: false)
        // scrypt has eleven characters of parameters, with the salt behind them.
        if parts[1] == "7" { return description.prefix(3 + 11) }
        let hasParameters = parts[1] == "y" || parts[1] == "gy" || parts[1].hasPrefix("2") || parts[2].hasPrefix("rounds=")
        return description[..<parts[hasParameters ? 2 : 1].endIndex]
    }

    /// Whether it is the hash of a password. Takes as long for one that is not, and may take long.
    ///
    /// The corresponding C function is `crypt_r`.
    public func isHash(of password: String) -> Bool {
        guard let hash = try? Self.hash(password, by: description) else { return false }
        // No byte is looked at less because an earlier one differs.
        let (one, other) = (Array(hash.utf8), Array(description.utf8))
        return one.count == other.count && zip(one, other).reduce(0) { $0 | ($1.0 ^ $1.1) } == 0
    }

    static func hash(_ password: String, by setting: String) throws(Errno) -> String {
        // C would see a shorter password.
        if password.utf8.contains(0) { throw .invalidArgument }
        var hash = [CChar](repeating: 0, count: Int(crypt_hash_size))
        var bytes = Array(password.utf8CString)
        let result = unsafe crypt_hash(bytes, setting, &hash)
        unsafe bytes.withUnsafeMutableBytes { bytes in
            if let start = bytes.baseAddress { unsafe crypt_erase(start, bytes.count) }
        }
        if result != 0 { throw Errno(rawValue: result) }
        return string(hash)
    }

    private static func string(_ bytes: [CChar]) -> String {
        String(decoding: bytes.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
    }
}
