import FoundationEssentials
import Glibc

/// What a process, with all of its threads and children, has used until now, as the kernel tells it in /proc.
public struct ProcessUsage: Sendable {
    public var cpuNanoseconds: UInt64 = 0
    /// How often a thread went to sleep, and so had to be woken.
    public var wakeUps: UInt64 = 0
    public var residentBytes: UInt64 = 0

    /// Nil if there is no such process.
    public init?(of process: Int32) {
        guard let threads = try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(process)/task") else { return nil }
        for thread in threads {
            // A thread that ends between the listing and the look is one that is not looked at.
            let place = "/proc/\(process)/task/\(thread)"
            if let time = Self.text(at: "\(place)/schedstat").split(separator: " ").first { cpuNanoseconds += UInt64(time) ?? 0 }
            wakeUps += Self.number("voluntary_ctxt_switches:", in: "\(place)/status")
            for child in Self.text(at: "\(place)/children").split(separator: " ") {
                guard let child = Int32(child), let usage = ProcessUsage(of: child) else { continue }
                cpuNanoseconds += usage.cpuNanoseconds
                wakeUps += usage.wakeUps
                residentBytes += usage.residentBytes
            }
        }
        residentBytes += Self.number("VmRSS:", in: "/proc/\(process)/status") * 1_024
    }

    /// The resident memory of a process without its children; 0 if there is no such process.
    public static func residentBytes(of process: Int32) -> Int {
        Int(number("VmRSS:", in: "/proc/\(process)/status")) * 1_024
    }

    /// How many descriptors a process has open.
    public static func openDescriptors(of process: Int32) -> Int {
        (try? FileManager.default.contentsOfDirectory(atPath: "/proc/\(process)/fd").count) ?? 0
    }

    private static func number(_ name: String, in path: String) -> UInt64 {
        guard let line = text(at: path).split(separator: "\n").first(where: { $0.hasPrefix(name) }) else { return 0 }
        return line.split(whereSeparator: \.isWhitespace).dropFirst().first.flatMap { UInt64($0) } ?? 0
    }

    private static func text(at path: String) -> String {
        FileManager.default.contents(atPath: path).map { String(decoding: $0, as: UTF8.self) } ?? ""
    }
}

/// How often TCP has waited in vain for an acknowledgement, anywhere on this machine: each time, a connection rests for 200 ms
/// or longer. On the loopback that happens when a socket's buffer is full and the kernel drops what no longer fits.
enum KernelTimeouts {
    /// The counter `TCPTimeouts` of /proc/net/netstat: pairs of lines, the first with the names and the second with the values.
    static var count: Int {
        let contents = FileManager.default.contents(atPath: "/proc/net/netstat")
        let lines = contents.map { String(decoding: $0, as: UTF8.self) }?.split(separator: "\n") ?? []
        guard lines.count >= 2, let place = lines[0].split(separator: " ").firstIndex(of: "TCPTimeouts") else { return 0 }
        let values = lines[1].split(separator: " ")
        return place < values.count ? Int(values[place]) ?? 0 : 0
    }
}
