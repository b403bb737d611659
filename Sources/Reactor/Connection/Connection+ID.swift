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

        /// As a number, for what leaves the process and comes back.
        package var rawValue: UInt64 { token.rawValue }

        /// From such a number. It may be anybody's: no connection has a name that was made up.
        package init(rawValue: UInt64) { token = Token(rawValue: rawValue) }

        package init(token: Token) { self.token = token }
    }
}

extension Connection.ID: CustomStringConvertible {
    /// Two numbers, for a log: `17.3`.
    public var description: String { "\(token.slot).\(token.generation)" }
}
