import Reactor

/// Values by blocks of addresses, found by an address. One look for each length of block that is there answers, and not one for each block.
struct AddressTable<Value> {
    private(set) var entries: [AddressBlock: Value] = [:]
    /// How many blocks there are of each length.
    private var ipv4Counts = [Int](repeating: 0, count: 33)
    private var ipv6Counts = [Int](repeating: 0, count: 129)

    var isEmpty: Bool { entries.isEmpty }

    mutating func insert(_ value: Value, for block: AddressBlock) {
        if entries.updateValue(value, forKey: block) == nil { count(block, by: 1) }
    }

    @discardableResult
    mutating func remove(_ block: AddressBlock) -> Value? {
        guard let value = entries.removeValue(forKey: block) else { return nil }
        count(block, by: -1)
        return value
    }

    private mutating func count(_ block: AddressBlock, by change: Int) {
        if block.family == .ipv4 { ipv4Counts[block.length] += change } else { ipv6Counts[block.length] += change }
    }

    /// The value of the smallest block that contains an address, of those whose values meet the condition. The port does not matter, and no
    /// block contains the address of a Unix-domain socket.
    ///
    /// - Complexity: O(*k*) for *k* different lengths of blocks.
    func first(of address: SocketAddress, where condition: (Value) -> Bool = { _ in true }) -> Value? {
        if isEmpty { return nil }
        guard let address = AddressBlock.Address(address) else { return nil }
        let counts = address.family == .ipv4 ? ipv4Counts : ipv6Counts
        for length in counts.indices.reversed() where counts[length] > 0 {
            if let value = entries[AddressBlock(address, length: length)], condition(value) { return value }
        }
        return nil
    }
}

extension AddressTable: Sendable where Value: Sendable {}
