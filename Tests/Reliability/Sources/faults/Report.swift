import Glibc

/// The files of one worker: where the preloaded library writes what it has counted, and the path of a socket. Used again for each run.
final class Report {
    struct Counts {
        var calls: UInt64 = 0
        var strikes: UInt64 = 0
        var turns: UInt64 = 0
    }

    let path: String
    var socketPath: String { path + ".socket" }

    init(directory: String, number: Int) {
        path = "\(directory)/report-\(number)"
    }

    deinit {
        clear()
    }

    func clear() {
        unsafe unlink(path)
        unsafe unlink(socketPath)
    }

    /// What has been counted by now; nothing before the daemon has begun.
    func read() -> Counts {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        if descriptor < 0 { return Counts() }
        defer { close(descriptor) }
        var values = [UInt64](repeating: 0, count: 3)
        let count = unsafe Glibc.read(descriptor, &values, 24)
        return count == 24 ? Counts(calls: values[0], strikes: values[1], turns: values[2]) : Counts()
    }

    /// Leaves the path of a socket behind, as a server does that was killed. The corresponding C functions are `socket` and `bind`.
    func leaveSocketBehind() {
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: socketPath.utf8) }
        unsafe withUnsafePointer(to: &address) { pointer in
            _ = unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                unsafe bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
    }
}
