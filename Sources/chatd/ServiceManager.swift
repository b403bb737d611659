import Glibc

/// The service manager that started the daemon, if there is one: systemd, or another that speaks its protocol.
enum ServiceManager {
    /// Tells the manager that the configuration is being read again, until `READY=1`.
    ///
    /// The corresponding C function is `clock_gettime`.
    static func notifyOfReloading() {
        var time = timespec()
        _ = unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        notify("RELOADING=1\nMONOTONIC_USEC=\(time.tv_sec &* 1_000_000 &+ time.tv_nsec / 1_000)")
    }

    /// Tells the manager the daemon's state, as in `READY=1`. See sd_notify(3).
    ///
    /// The corresponding C functions are `socket` and `sendto`.
    static func notify(_ state: String) {
        guard let variable = unsafe getenv("NOTIFY_SOCKET") else { return }
        var path = unsafe Array(String(cString: variable).utf8)
        var address = sockaddr_un()
        guard !path.isEmpty, path.count < MemoryLayout.size(ofValue: address.sun_path) else { return }
        // A name in the abstract namespace is written with an at sign, and begins with a zero.
        if path[0] == UInt8(ascii: "@") { path[0] = 0 }
        address.sun_family = sa_family_t(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: path) }
        let length = socklen_t(MemoryLayout<sa_family_t>.size + path.count)
        let descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { return }
        defer { close(descriptor) }
        unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                _ = unsafe sendto(descriptor, state, state.utf8.count, Int32(MSG_NOSIGNAL), address, length)
            }
        }
    }
}
