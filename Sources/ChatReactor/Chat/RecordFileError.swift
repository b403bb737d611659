import Reactor

/// Why a room's log file cannot be used. The file, if there is one, is as it was.
struct RecordFileError: Error, Hashable, CustomStringConvertible {
    enum Reason: Hashable {
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
    }

    let path: String
    let reason: Reason

    var description: String {
        switch reason {
        case .notALog: "cannot use the room log \(path): it is not a room log"
        case .version(let number): "cannot use the room log \(path): its format is version \(number), not \(RecordFile.version)"
        case .damagedHead: "cannot use the room log \(path): its first page is damaged"
        case .length(let said, let found): "cannot use the room log \(path): it has \(found) bytes, and says that it has \(said)"
        case .inUse: "cannot use the room log \(path): it is in use"
        case .system(let operation, let error): "cannot \(operation) the room log \(path): \(error)"
        }
    }
}
