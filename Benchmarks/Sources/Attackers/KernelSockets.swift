import FoundationEssentials

/// What /proc/net/sockstat says of all TCP sockets of this machine.
public enum KernelSockets {
    /// The memory that they hold.
    static var bytes: Int { value("mem") * 4_096 }

    /// How many are closed, and kept for a minute in case something is still on its way to them.
    public static var waitingCount: Int { value("tw") }

    private static func value(_ name: String) -> Int {
        let contents = FileManager.default.contents(atPath: "/proc/net/sockstat")
        let text = contents.map { String(decoding: $0, as: UTF8.self) } ?? ""
        let words = text.split(separator: "\n").first { $0.hasPrefix("TCP:") }?.split(separator: " ") ?? []
        guard let place = words.firstIndex(of: Substring(name)), place + 1 < words.count else { return 0 }
        return Int(words[place + 1]) ?? 0
    }
}
