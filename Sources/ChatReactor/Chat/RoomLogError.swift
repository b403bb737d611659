public import Reactor

/// Why a room's log cannot be had in a file: see ``Chat/Configuration/roomLogDirectory``. The file, if there is one, is as it
/// was.
public struct RoomLogError: Error, Hashable, CustomStringConvertible {
    /// What is wrong. The description is for people, and has no path in it.
    @nonexhaustive
    public enum Reason: Hashable, Sendable, CustomStringConvertible {
        /// The directory for all logs cannot be used.
        case directory(Errno)
        /// It is a file of something else, or no file.
        case notALog
        /// It is a log in a format that this program does not know.
        case version(UInt32)
        /// What the file says about itself has changed since it was written.
        case damagedHead
        /// It is shorter or longer than it says.
        case length(said: Int, found: Int)
        /// It is open already, in this process or in another.
        case inUse
        /// A system call has failed.
        case system(_ operation: String, Errno)

        public var description: String {
            switch self {
            case .directory(let error): "\(error)"
            case .notALog: "it is not a room log"
            case .version(let number): "its format is version \(number), not \(RecordFile.version)"
            case .damagedHead: "its first page is damaged"
            case .length(let said, let found): "it has \(found) bytes, and says that it has \(said)"
            case .inUse: "it is in use"
            case .system(_, let error): "\(error)"
            }
        }
    }

    /// Of the file or the directory; of a log in memory, the room's name.
    public let path: String
    /// What is wrong.
    public let reason: Reason

    init(path: String, reason: Reason) {
        self.path = path
        self.reason = reason
    }

    /// Of a log in memory.
    init(ofRoom name: ChatName, _ error: Errno) {
        self.init(path: name.text, reason: .system("make", error))
    }

    /// A sentence for people, with the path and the reason.
    public var description: String {
        switch reason {
        case .directory: "cannot keep room logs in \(path): \(reason)"
        case .system(let operation, _): "cannot \(operation) the room log \(path): \(reason)"
        case .notALog, .version, .damagedHead, .length, .inUse: "cannot use the room log \(path): \(reason)"
        }
    }
}
