import ChatCommandLine
import Glibc

/// The places where a user's programs keep things, as the XDG Base Directory Specification has them.
enum UserDirectory {
    /// The path of one of chat's files. Nil if there is neither the variable nor a home.
    static func path(of file: String, in variable: String, orElse folder: String) -> String? {
        // A relative path is to be ignored, the specification says.
        if let directory = environmentVariable(variable), directory.hasPrefix("/") { return "\(directory)/chat/\(file)" }
        guard let home = environmentVariable("HOME"), home.hasPrefix("/") else { return nil }
        return "\(home)/\(folder)/chat/\(file)"
    }

    /// Makes the folders in which a file is to be, for the user alone. Those that are there stay as they are.
    static func make(for path: String) {
        var parent = ""
        for name in path.split(separator: "/").dropLast() {
            parent += "/\(name)"
            unsafe mkdir(parent, 0o700)
        }
    }
}
