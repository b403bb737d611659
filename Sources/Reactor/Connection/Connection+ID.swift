extension Connection: Identifiable {
    /// Names a connection of a loop. It may cross threads, where the connection may not; `EventLoop.connection(_:)` finds the
    /// connection by it, as long as that is open.
    ///
    /// Connections of different loops may have the same name. No later connection of the loop has it: see `Token` for how long
    /// that holds.
    public struct ID: Hashable, Sendable {
        package let token: Token

        /// The name of a connection that is not registered yet.
        package static let none = ID(token: .none)
    }
}

extension Connection.ID: CustomStringConvertible {
    /// Two numbers, for a log: `17.3`.
    public var description: String { "\(token.slot).\(token.generation)" }
}
