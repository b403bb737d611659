import FoundationEssentials

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
