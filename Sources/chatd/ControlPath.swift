import ArgumentParser
import ChatCommandLine
import ChatReactor
import Glibc

/// Where a daemon takes commands: the path of a Unix-domain socket, written `unix:PATH`.
struct ControlPath {
    let path: String

    init(_ text: String) throws {
        guard text.utf8.starts(with: "unix:".utf8), case .unix(let path) = try Endpoint(text) else {
            throw ValidationError("commands are given at a Unix-domain socket; write unix:PATH, not '\(text)'")
        }
        self.path = path
    }

    /// Where `chatd ctl` looks for a daemon if it is not told: the system's place, and if nothing is there, the user's own.
    static var standard: ControlPath? {
        let system = "/run/chatd/control"
        if unsafe access(system, F_OK) == 0 { return try? ControlPath("unix:\(system)") }
        guard let directory = environmentVariable("XDG_RUNTIME_DIR") else { return nil }
        return try? ControlPath("unix:\(directory)/chatd.control")
    }
}
