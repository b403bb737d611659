import Glibc

/// What the kernel says of this process, as the usual clients of Prometheus report it. See proc(5).
///
/// The files are opened once: a daemon that has given up its right to open files can still read them.
@safe final class ProcessStatistics {
    struct Reading {
        let cpuSeconds: Double
        let residentBytes: Int
        let virtualBytes: Int
        let openDescriptors: Int
        let maximumDescriptors: Int
        let startTime: Double
    }

    private let status: Int32
    private let descriptors: OpaquePointer
    /// When the process was started, in seconds since 1970. Computed once: the clock may be set.
    private var startTime: Double?

    /// Nil if there is no /proc. The corresponding C functions are `open` and `opendir`.
    init?() {
        let status = unsafe open("/proc/self/stat", O_RDONLY | O_CLOEXEC)
        guard status >= 0 else { return nil }
        guard let descriptors = unsafe opendir("/proc/self/fd") else {
            close(status)
            return nil
        }
        self.status = status
        unsafe self.descriptors = descriptors
    }

    deinit {
        close(status)
        unsafe closedir(descriptors)
    }

    /// Nil if the kernel does not say. The corresponding C functions are `pread`, `readdir`, `getrlimit` and `sysconf`.
    func read() -> Reading? {
        var buffer = [UInt8](repeating: 0, count: 4_096)
        let count = unsafe pread(status, &buffer, buffer.count, 0)
        guard count > 0 else { return nil }
        // The second field is the program's name, in parentheses; there may be anything in it, spaces and parentheses among them.
        let text = buffer[..<count]
        guard let end = text.lastIndex(of: UInt8(ascii: ")")) else { return nil }
        let fields = text[(end + 1)...].split { $0 == UInt8(ascii: " ") || $0 == UInt8(ascii: "\n") }
        // Numbered from 1, as in proc(5); the first one here is the third.
        func field(_ number: Int) -> Int {
            number - 3 < fields.count ? Int(String(decoding: fields[number - 3], as: UTF8.self)) ?? 0 : 0
        }
        let ticks = Double(max(sysconf(Int32(_SC_CLK_TCK)), 1))
        let start = startTime ?? Self.now(CLOCK_REALTIME) - Self.now(CLOCK_BOOTTIME) + Double(field(22)) / ticks
        startTime = start
        var limit = rlimit()
        unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
        return Reading(
            cpuSeconds: (Double(field(14)) + Double(field(15))) / ticks,
            residentBytes: field(24).multipliedReportingOverflow(by: Int(sysconf(Int32(_SC_PAGESIZE)))).partialValue,
            virtualBytes: field(23), openDescriptors: countDescriptors(), maximumDescriptors: Int(clamping: limit.rlim_cur),
            startTime: start)
    }

    private func countDescriptors() -> Int {
        unsafe rewinddir(descriptors)
        var count = 0
        while let entry = unsafe readdir(descriptors) {
            // Besides the descriptors there are the folder itself and the one above it.
            if unsafe entry.pointee.d_name.0 != CChar(UInt8(ascii: ".")) { count += 1 }
        }
        return count
    }

    private static func now(_ clock: clockid_t) -> Double {
        var time = timespec()
        unsafe clock_gettime(clock, &time)
        return Double(time.tv_sec) + Double(time.tv_nsec) / 1e9
    }
}
