/// Does harm to a server, a little at each step.
public protocol Attacker: AnyObject {
    /// Does what is due now, without waiting. Returns whether anything was due: if not, the caller may sleep for a millisecond.
    func step() -> Bool

    /// Closes all connections, and takes back whatever else was done.
    func end()

    /// What happened, as far as one must know it: each a sentence without a full stop.
    var remarks: [String] { get }

    /// What the server did that it should not have done, or nil.
    var complaint: String? { get }
}

extension Attacker {
    public var remarks: [String] { [] }
    public var complaint: String? { nil }
}

/// Does nothing.
public final class Nobody: Attacker {
    public init() {}
    public func step() -> Bool { false }
    public func end() {}
}
