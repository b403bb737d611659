import Glibc
import TestSupport

extension ChildProcess {
    /// What a process has used, as the kernel counts it. See proc(5).
    struct Statistics: Equatable {
        /// Time on a processor, in clock ticks.
        var ticks = 0
        /// How often the process has gone to sleep, or was put to it.
        var switches = 0
    }

    var statistics: Statistics {
        var statistics = Statistics()
        // The name, in parentheses, may contain anything; utime and stime are the 12th and 13th field after it.
        let fields = text(of: "stat").split(separator: ")").last?.split(separator: " ") ?? []
        if fields.count > 12 { statistics.ticks = (Int(fields[11]) ?? 0) + (Int(fields[12]) ?? 0) }
        for line in text(of: "status").split(separator: "\n") where line.contains("voluntary_ctxt_switches") {
            statistics.switches += Int(line.split(separator: "\t").last ?? "") ?? 0
        }
        return statistics
    }

    /// How many descriptors it has open.
    var descriptorCount: Int {
        guard let directory = unsafe opendir("/proc/\(pid)/fd") else { return 0 }
        defer { unsafe closedir(directory) }
        var count = 0
        while unsafe readdir(directory) != nil { count += 1 }
        return count
    }

    private func text(of file: String) -> String {
        let descriptor = unsafe open("/proc/\(pid)/\(file)", O_RDONLY | O_CLOEXEC)
        if descriptor < 0 { return "" }
        return String(decoding: (try? StreamReader(takingOver: descriptor).all()) ?? [], as: UTF8.self)
    }
}
