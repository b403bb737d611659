/// What those have laid down who keep a room in order: for everybody in it, in whatever form. IRC calls these the modes of a channel.
struct RoomModes {
    /// How many masks may be banned from one room.
    static let banLimit = 100

    /// Those who keep the room in order, by number: whoever opened it, and whom one of them has made so.
    var operators: Set<Int> = []
    /// Those who may speak while the room is moderated.
    var voiced: Set<Int> = []
    /// Whether those alone speak who have a voice.
    var isModerated = false
    /// Whether those alone come in who are invited.
    var isInviteOnly = false
    /// Whether those alone speak who are in the room. Nobody else does so who has no IRC client.
    var isClosedToOthers = true
    /// Whether operators alone set the topic.
    var isTopicLocked = false
    /// Whether the room is listed to those alone who are in it.
    var isSecret = false
    /// How many may be in the room.
    var limit: Int?
    private(set) var bans: [Ban] = []

    /// Who may neither come in nor speak.
    struct Ban {
        let mask: IRCMask
        let text: String
        /// Who has laid it down, as IRC names people.
        let setter: String
        /// In seconds since the beginning of 1970.
        let time: Int64
    }

    /// Somebody is not in the room any more.
    mutating func remove(_ person: Person) {
        operators.remove(person.number)
        voiced.remove(person.number)
    }

    func isBanned(_ mask: IRCMask) -> Bool { bans.contains { $0.mask == mask } }

    /// Returns false if there are too many already.
    mutating func add(_ ban: Ban) -> Bool {
        if bans.count >= Self.banLimit { return false }
        bans.append(ban)
        return true
    }

    mutating func removeBan(of mask: IRCMask) { bans.removeAll { $0.mask == mask } }
}

/// Why somebody cannot come into a room that needs no key, or for which it has one.
enum EntryRefusal {
    case banned
    case inviteOnly
    case full

    func description(of room: ChatName) -> String {
        switch self {
        case .banned: "you are banned from \(room)"
        case .inviteOnly: "\(room) is for those who are invited"
        case .full: "\(room) is full"
        }
    }
}

extension Conversation {
    /// Whether a person keeps the room in order: as one of its operators, or as one of the server's.
    func isKept(by person: Person) -> Bool { modes.operators.contains(person.number) || person.isOperator }

    /// Whether the room is listed to those alone who are in it.
    var isSecret: Bool { ownKey != nil || modes.isSecret }

    func refusalToEnter(of person: Person) -> EntryRefusal? {
        // Whoever invites somebody means that it comes in. Who is banned is so by those who keep the room, whatever others want.
        let isByOperator = invitations.isByOperator(of: person)
        if isByOperator != true, isBanned(person) { return .banned }
        if isByOperator != nil { return nil }
        if modes.isInviteOnly { return .inviteOnly }
        if let limit = modes.limit, online >= limit { return .full }
        return nil
    }

    /// Why a person may not speak in the room; nil if it may.
    func refusalToSpeak(of person: Person) -> String? {
        if !modes.isModerated, modes.bans.isEmpty { return nil }
        if modes.voiced.contains(person.number) || isKept(by: person) { return nil }
        if modes.isModerated { return "those alone speak in \(name) who have a voice" }
        return isBanned(person) ? "you are banned from \(name)" : nil
    }

    /// Why a person may not set the topic of the room; nil if it may.
    func refusalToSetTopic(of person: Person) -> String? {
        modes.isTopicLocked && !isKept(by: person) ? "operators alone set the topic of \(name)" : nil
    }

    /// Why a person may not have others come in who would not be let in; nil if it may.
    func refusalToInvite(of person: Person) -> String? {
        modes.isInviteOnly && !isKept(by: person) ? "operators alone invite people to \(name)" : nil
    }

    /// Whether a person has to keep its name while it is in the room: under another one, a ban would not be about it any more.
    func keepsName(of person: Person) -> Bool {
        !modes.bans.isEmpty && !modes.voiced.contains(person.number) && !isKept(by: person) && isBanned(person)
    }

    private func isBanned(_ person: Person) -> Bool {
        if modes.bans.isEmpty { return false }
        guard let source = chat?.irc?.source(of: person) else { return false }
        let subject = IRCMask.Subject(source)
        return modes.bans.contains { $0.mask.matches(subject) }
    }
}
