import Glibc
import Reactor

/// The directory in which the rooms of a chat have their logs, a file each.
///
/// A file is called `room-` and the name of its room with the case folded, so `Tea` and `tea` are one file. Such a name has
/// letters, marks, digits, `_` and `-` in it, and no character of a path; with the prefix it is no option of a command either. A
/// file that is called otherwise is none of ours.
///
/// The same name may be written in several ways of Unicode that are canonically equivalent, and each would be another file. So
/// the directory is read once, and a room has the file whose name is equal as a room's name.
final class RoomLogs {
    private static let prefix = "room-"

    private let path: String
    private let limit: Int
    private var fileNames: [ChatName: String] = [:]

    /// Reads the directory.
    ///
    /// The corresponding C functions are `opendir`, `readdir` and `access`.
    ///
    /// - Parameter limit: How many files there may be. No more are made; those that are there are opened in any case.
    /// - Complexity: O(*n*) for *n* files.
    init(_ path: String, limit: Int) throws(RoomLogError) {
        self.path = path
        self.limit = limit
        guard let directory = unsafe opendir(path) else { throw RoomLogError(path: path, reason: .directory(.last)) }
        defer { unsafe closedir(directory) }
        if unsafe access(path, R_OK | W_OK | X_OK) != 0 { throw RoomLogError(path: path, reason: .directory(.last)) }
        while let entry = unsafe readdir(directory) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                unsafe pointer.withMemoryRebound(to: CChar.self, capacity: MemoryLayout.size(ofValue: entry.pointee.d_name)) {
                    unsafe String(validatingCString: $0)
                }
            }
            guard let name, name.utf8.starts(with: Self.prefix.utf8) else { continue }
            // It may be longer than a name may be that people ask for: folding makes it so.
            let room = ChatName(unchecked: String(Substring(name.utf8.dropFirst(Self.prefix.utf8.count))))
            if fileNames[room] == nil || name == Self.fileName(of: room) { fileNames[room] = name }
        }
    }

    private static func fileName(of room: ChatName) -> String { prefix + room.folded }

    /// Whether there can be a log of this room: there is one already, or one more may be made.
    ///
    /// The corresponding C function is `access`.
    ///
    /// - Complexity: O(1), and O(*n*) for *n* files if there are as many as there may be.
    func mayOpen(_ room: ChatName) -> Bool {
        if fileNames[room] != nil || fileNames.count < limit { return true }
        // The operator may have removed some, to make place for others.
        fileNames = fileNames.filter { unsafe access("\(path)/\($0.value)", F_OK) == 0 }
        return fileNames.count < limit
    }

    /// Opens the log of a room, and makes it if there is none. What can be wrong with its file is in
    /// `RecordLog.init(file:capacity:)`.
    func open(_ room: ChatName, capacity: Int) throws(RoomLogError) -> RecordLog {
        let name = fileNames[room] ?? Self.fileName(of: room)
        let log = try RecordLog(file: "\(path)/\(name)", capacity: capacity)
        fileNames[room] = name
        return log
    }

    /// Removes the file of a room that holds nothing that anybody would miss. If it cannot be removed, it stays.
    ///
    /// The corresponding C function is `unlink`.
    func remove(_ room: ChatName) {
        guard let name = fileNames[room], unsafe unlink("\(path)/\(name)") == 0 else { return }
        fileNames[room] = nil
    }
}
