/// Somebody who does harm to a server, a little at each step.
public protocol Attacker: AnyObject {
    /// Does what is to be done now, without waiting. Says whether there was anything: if not, there is time to sleep a millisecond.
    func step() -> Bool

    /// Closes all connections, and takes back whatever else was done.
    func end()

    /// What happened, as far as one must know it: each a sentence without a full stop.
    var remarks: [String] { get }

    /// What the server should not have done, if it did something of the kind.
    var complaint: String? { get }
}

extension Attacker {
    public var remarks: [String] { [] }
    public var complaint: String? { nil }
}

/// Nobody, who does nothing.
public final class Nobody: Attacker {
    public init() {}
    public func step() -> Bool { false }
    public func end() {}
}
