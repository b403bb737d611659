/// A room that is not listed to those who are not in it: see ``Chat/secretRooms``.
public struct SecretRoom: Hashable, Sendable {
    /// The room. The lobby is nobody's secret.
    public var name: ChatName
    /// What has to follow the name in `/join`, unless somebody is invited: one line, without spaces around it. With nil, who knows the name comes in.
    public var key: String?

    /// A secret room, with a key or without.
    public init(_ name: ChatName, key: String? = nil) {
        self.name = name
        self.key = key
    }
}
