public import Reactor

/// From which addresses somebody may come in.
///
/// ```swift
/// var list = AccessList()
/// try list.deny(AddressBlock("203.0.113.0/24"))
/// ```
///
/// Denying beats allowing, however small the block that is allowed. Once something is allowed, nobody else comes in. The peers of
/// Unix-domain sockets have no address, and always may: the permissions of the path say who they are.
public struct AccessList: Sendable {
    private var denied = AddressTable<Void>()
    /// Nil without a list of the allowed. An empty one lets nobody in: a file in which nothing is left must not open the server to all.
    private var allowed: AddressTable<Void>?

    /// Everybody may come in.
    public init() {}

    /// Those who may come in and those who may not.
    ///
    /// - Parameters:
    ///   - allowed: Nobody else may come in: with an empty array, nobody may. With nil, all may who are not denied.
    ///   - denied: These may not, not even if they are allowed.
    public init(allowing allowed: [AddressBlock]?, denying denied: [AddressBlock] = []) {
        if let allowed {
            self.allowed = AddressTable()
            for block in allowed { allow(block) }
        }
        for block in denied { deny(block) }
    }

    /// Whether only those come in who are allowed.
    public var isRestricted: Bool { allowed != nil }

    /// Lets those of a block in, and nobody else who is not let in as well.
    public mutating func allow(_ block: AddressBlock) {
        var table = allowed ?? AddressTable()
        allowed = nil
        table.insert((), for: block)
        allowed = table
    }

    /// Keeps those of a block out.
    public mutating func deny(_ block: AddressBlock) {
        denied.insert((), for: block)
    }

    /// Whether the list lets a caller in who connects from this address. The port does not matter.
    ///
    /// - Complexity: O(*k*) for *k* different lengths of blocks, however many blocks there are.
    public func admits(_ address: SocketAddress) -> Bool {
        if case .unix = address { return true }
        if denied.first(of: address) != nil { return false }
        guard let allowed else { return true }
        return allowed.first(of: address) != nil
    }
}

extension AccessList: Equatable {
    /// Whether two lists name the same blocks.
    ///
    /// - Complexity: O(*n*) for *n* blocks.
    public static func == (one: AccessList, other: AccessList) -> Bool {
        one.denied.entries.keys == other.denied.entries.keys && one.allowed?.entries.keys == other.allowed?.entries.keys
    }
}
