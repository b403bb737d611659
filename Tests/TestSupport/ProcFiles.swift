import Glibc

/// What /proc tells about this process.
public enum ProcFiles {
    public static var descriptorCount: Int { paths("/proc/self/fd/*").count }

    /// How many threads run a loop in the background.
    public static var loopThreadCount: Int { paths("/proc/self/task/*").count(where: isLoop) }

    /// How often threads have gone to sleep, except the calling thread and those of loops.
    public static var sleepCountOfOtherThreads: Int {
        let own = text(of: "/proc/thread-self/status")
        var count = 0
        for thread in paths("/proc/self/task/*") where !isLoop(thread: thread) {
            let status = text(of: thread + "/status")
            if value("Pid", in: status) == value("Pid", in: own) { continue }
            count += value("voluntary_ctxt_switches", in: status) ?? 0
        }
        return count
    }

    /// By the thread's name: the threads of Swift's pool come and go, so their numbers tell nothing.
    public static func isLoop(thread path: String) -> Bool { text(of: path + "/comm") == "EventLoop\n" }

    private static func value(_ name: String, in status: String) -> Int? {
        for line in status.split(separator: "\n") where line.hasPrefix(name + ":") {
            return Int(line.dropFirst(name.count + 1).drop { $0 == "\t" })
        }
        return nil
    }

    private static func text(of path: String) -> String {
        var bytes = [UInt8](repeating: 0, count: 4_096)
        let descriptor = unsafe open(path, O_RDONLY)
        if descriptor < 0 { return "" }
        defer { close(descriptor) }
        let count = unsafe read(descriptor, &bytes, bytes.count)
        return String(decoding: bytes[..<max(count, 0)], as: UTF8.self)
    }

    private static func paths(_ pattern: String) -> [String] {
        var found = unsafe glob_t()
        guard unsafe glob(pattern, 0, nil, &found) == 0 else { return [] }
        defer { unsafe globfree(&found) }
        return unsafe (0..<Int(found.gl_pathc)).map { unsafe String(cString: found.gl_pathv[$0]!) }
    }
}
