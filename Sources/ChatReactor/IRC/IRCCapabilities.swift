/// What an IRC client can ask for beyond RFC 1459 (IRCv3). What is named here is there as a whole.
struct IRCCapabilities: OptionSet, Hashable {
    let rawValue: UInt32

    static let accountNotify = Self(rawValue: 1 << 0)
    static let accountTag = Self(rawValue: 1 << 1)
    static let awayNotify = Self(rawValue: 1 << 2)
    static let batch = Self(rawValue: 1 << 3)
    static let capNotify = Self(rawValue: 1 << 4)
    static let chathistory = Self(rawValue: 1 << 5)
    static let echoMessage = Self(rawValue: 1 << 6)
    static let extendedJoin = Self(rawValue: 1 << 7)
    static let inviteNotify = Self(rawValue: 1 << 8)
    static let labeledResponse = Self(rawValue: 1 << 9)
    static let messageTags = Self(rawValue: 1 << 10)
    static let multiPrefix = Self(rawValue: 1 << 11)
    static let sasl = Self(rawValue: 1 << 12)
    static let serverTime = Self(rawValue: 1 << 13)
    static let setName = Self(rawValue: 1 << 14)
    static let standardReplies = Self(rawValue: 1 << 15)
    static let userhostInNames = Self(rawValue: 1 << 16)
    static let multiline = Self(rawValue: 1 << 17)
    static let readMarker = Self(rawValue: 1 << 18)

    /// By name, in the order in which they are listed.
    static let names: [(name: String, capability: IRCCapabilities)] = [
        ("account-notify", .accountNotify), ("account-tag", .accountTag), ("away-notify", .awayNotify), ("batch", .batch),
        ("cap-notify", .capNotify), ("draft/chathistory", .chathistory), ("draft/multiline", .multiline),
        ("draft/read-marker", .readMarker), ("echo-message", .echoMessage), ("extended-join", .extendedJoin),
        ("invite-notify", .inviteNotify), ("labeled-response", .labeledResponse), ("message-tags", .messageTags),
        ("multi-prefix", .multiPrefix), ("sasl", .sasl), ("server-time", .serverTime), ("setname", .setName),
        ("standard-replies", .standardReplies), ("userhost-in-names", .userhostInNames),
    ]

    /// What of it changes how the messages of a room are made.
    var parts: IRCForm.Parts {
        var parts: IRCForm.Parts = []
        if contains(.messageTags) { parts.insert(.messageTags) }
        if contains(.serverTime) { parts.insert(.time) }
        if contains(.accountTag) { parts.insert(.account) }
        if contains(.extendedJoin) { parts.insert(.extendedJoin) }
        if contains([.multiline, .batch]) { parts.insert(.multiline) }
        return parts
    }
}
