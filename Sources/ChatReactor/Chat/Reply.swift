/// What one client is told by the server. A room's records go to everybody in it; these do not.
enum Reply {
    /// The client is in a room now: the first that it is told, and again for each room that it enters.
    case welcome(Welcome)
    /// The client is in no room until it has logged in: the first that it is told, in place of a welcome.
    case loginNeeded(server: String)
    /// The client has logged in, under its name from now on.
    case loggedIn(ChatName)
    /// What the client has tried to log in by is refused, for this reason.
    case loginRefused(String)
    /// The client's name has been taken over by another connection, which has proved to have it: to come back would take it from there.
    case replaced
    /// A line for people, and for programs to show.
    case notice(String)
    /// The client has another name now.
    case named(ChatName)
    /// What the client has asked for was not done.
    case error(String)
    /// One person said something to another one alone. `isSender` is whether this goes to the one who said it.
    case privateMessage(from: ChatName, to: ChatName, text: [UInt8], time: Int64, isSender: Bool)
    /// What the client said is in the room, under this number. People know it without being told.
    case sent(room: ChatName, sequence: UInt64, time: Int64)
    /// The people in a room.
    case who(room: ChatName, names: [ChatName], isComplete: Bool)
    /// The rooms, with how many people are in each.
    case rooms([(name: ChatName, online: Int)])
    case pong
    /// Somebody lets the client come into a room.
    case invitation(room: ChatName, from: ChatName)
    /// What follows was said after the client came.
    case historyEnd(room: ChatName, count: Int)
    /// The operator has sent everybody out of a room.
    case closed(room: ChatName)
    /// Something is missing here: so many records; nil if nobody knows how many.
    case gap(room: ChatName, missed: UInt64?)

    struct Welcome {
        let server: String
        let name: ChatName
        let room: ChatName
        let topic: String
        let epoch: UInt64
        /// The number of the newest record.
        let sequence: UInt64
        let online: Int
        /// Whether the client has just connected.
        let isFirst: Bool
    }
}
