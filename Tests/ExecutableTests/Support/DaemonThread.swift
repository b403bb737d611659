import Glibc
import Reactor
import TestSupport
import Testing

/// A thread of a daemon, as the kernel tells of it.
struct DaemonThread {
    fileprivate let path: String

    /// What a line of its status has.
    func status(_ name: String) throws -> String {
        let text = try read("status")
        let line = try #require(text.split(separator: "\n").first { $0.hasPrefix(name + ":") })
        return String(line.dropFirst(name.count + 1)).trimmingPrefix { $0 == "\t" || $0 == " " }.description
    }

    /// For how long it has used a processor, in nanoseconds.
    var processorTime: Int {
        get throws { try #require(try read("schedstat").split(separator: " ").first.flatMap { Int($0) }) }
    }

    private func read(_ name: String) throws -> String {
        let descriptor = unsafe open("\(path)/\(name)", O_RDONLY | O_CLOEXEC)
        return String(decoding: try StreamReader(takingOver: descriptor).all(), as: UTF8.self)
    }
}

extension Daemon {
    var threads: [DaemonThread] {
        get throws {
            let folder = "/proc/\(process.pid)/task"
            let opened = unsafe opendir(folder)
            guard let directory = unsafe opened else { throw Errno.last }
            defer { unsafe closedir(directory) }
            var threads: [DaemonThread] = []
            while let entry = unsafe readdir(directory) {
                let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) {
                    unsafe $0.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
                }
                if Int(name) != nil { threads.append(DaemonThread(path: "\(folder)/\(name)")) }
            }
            return threads
        }
    }
}
