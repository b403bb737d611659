/// Which message of each node comes next. By that a reader knows what it has read before, and what is missing.
struct NodeNumbers {
    enum Judgement: Equatable {
        /// It was read before.
        case known
        /// It is new, and so many messages before it are missing.
        case new(missing: UInt64)
    }

    private struct Node {
        var next: UInt64
        var lastUse: UInt64
    }

    /// How many nodes are known. Those that have been silent for longest are forgotten: it takes more than a thousand restarts of servers to get there, and
    /// costs no more than that a resent entry of such a node would be said twice.
    static let limit = 1_024

    private var nodes: [UInt64: Node] = [:]
    private var useCount: UInt64 = 0

    var count: Int { nodes.count }

    /// Takes what precedes a number for known.
    mutating func skip(_ node: UInt64, to next: UInt64) {
        if nodes[node].map({ $0.next < next }) != false { set(node, next) }
    }

    func knows(_ node: UInt64) -> Bool { nodes[node] != nil }

    /// Judges an entry that was read, and takes note of it. Of a node that was never heard of, nothing can be missing.
    mutating func read(_ entry: StreamEntry) -> Judgement {
        let known = nodes[entry.node]?.next
        if let known, entry.count > 0 ? entry.first < known : entry.first <= known { return .known }
        set(entry.node, entry.next)
        return .new(missing: known.map { entry.first &- $0 } ?? 0)
    }

    private mutating func set(_ node: UInt64, _ next: UInt64) {
        useCount &+= 1
        if nodes[node] == nil, nodes.count >= Self.limit, let oldest = nodes.min(by: { $0.value.lastUse < $1.value.lastUse }) {
            nodes[oldest.key] = nil
        }
        nodes[node] = Node(next: next, lastUse: useCount)
    }
}
