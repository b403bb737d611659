import ChatCommandLine
import Glibc
import Reactor

/// The service manager that started the daemon: systemd, or another that speaks its protocol. See sd_notify(3) and
/// sd_watchdog_enabled(3). Belongs to the loop's thread.
final class ServiceManager {
    private let address: sockaddr_un
    private let length: socklen_t
    /// Opened once: a daemon that is full of clients still has it, and so has one that has given up its right to open sockets.
    private let socket: OwnedDescriptor
    /// Whether the manager's socket is a name in the abstract namespace, and no file.
    let isAbstract: Bool
    private let watchdogInterval: Duration?
    private var watchdogTimer: EventLoop.Timer?
    /// What the manager's queue had no room for, in order.
    private var unsent: [String] = []
    private var retryTimer: EventLoop.Timer?

    /// Nil if there is none: `NOTIFY_SOCKET` names the socket at which one listens.
    ///
    /// - Throws: A failure if `WATCHDOG_USEC` or `WATCHDOG_PID` is no number: a daemon that should be watched and is not must not
    ///   seem to be.
    ///
    /// The corresponding C functions are `getenv` and `socket`.
    init?() throws(Failure) {
        guard let path = environmentVariable("NOTIFY_SOCKET") else { return nil }
        var bytes = Array(path.utf8)
        var address = sockaddr_un()
        guard !bytes.isEmpty, bytes.count < MemoryLayout.size(ofValue: address.sun_path) else { return nil }
        // A name in the abstract namespace is written with an at sign, and begins with a zero.
        if bytes[0] == UInt8(ascii: "@") { bytes[0] = 0 }
        address.sun_family = sa_family_t(AF_UNIX)
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: bytes) }
        let number = Glibc.socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        if number < 0 { return nil }
        self.address = address
        isAbstract = bytes[0] == 0
        length = socklen_t(MemoryLayout<sa_family_t>.size + bytes.count)
        socket = OwnedDescriptor(takingOver: number)
        watchdogInterval = try Self.watchdogInterval()
    }

    /// Tells the manager the daemon's state, as in `READY=1`. Never waits: a manager that is busy is told later, once the loop runs, and one that does
    /// not listen is no harm.
    func notify(_ state: String) {
        // A manager that has not taken so much is not listening.
        if unsent.count >= 16 { unsent.removeFirst() }
        unsent.append(state)
        sendUnsent()
    }

    private func sendUnsent() {
        while let state = unsent.first {
            if !send(state) { return retryTimer?.arm(after: .milliseconds(100)) ?? () }
            unsent.removeFirst()
        }
    }

    /// Returns false if the manager's queue is full.
    ///
    /// The corresponding C function is `sendto`.
    @discardableResult
    private func send(_ state: String) -> Bool {
        unsafe withUnsafePointer(to: address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
                let flags = Int32(MSG_NOSIGNAL | MSG_DONTWAIT)
                return unsafe sendto(socket.rawValue, state, state.utf8.count, flags, address, length) >= 0 || errno != EAGAIN
            }
        }
    }

    /// Tells the manager that the configuration is being read again, until `READY=1`.
    ///
    /// The corresponding C function is `clock_gettime`.
    func notifyOfReloading() {
        var time = timespec()
        _ = unsafe clock_gettime(CLOCK_MONOTONIC, &time)
        notify("RELOADING=1\nMONOTONIC_USEC=\(time.tv_sec &* 1_000_000 &+ time.tv_nsec / 1_000)")
    }

    // MARK: - The watchdog

    /// Goes on telling what the manager could not take. Tells it, if it wants to know, that the loop still turns: twice in the time after which it would
    /// restart the daemon.
    func start(on loop: EventLoop) {
        retryTimer = loop.makeTimer { [unowned self] in sendUnsent() }
        guard let interval = watchdogInterval else { return }
        let timer = loop.makeTimer { [unowned self] in
            // There will be another one.
            send("WATCHDOG=1")
            watchdogTimer?.arm(after: interval)
        }
        watchdogTimer = timer
        timer.arm(after: interval)
    }

    /// How often the manager is told; nil if it does not watch this process.
    private static func watchdogInterval() throws(Failure) -> Duration? {
        guard let time = environmentVariable("WATCHDOG_USEC") else { return nil }
        guard let microseconds = UInt64(time), microseconds > 0 else {
            throw Failure("WATCHDOG_USEC is '\(time)', and not a number of microseconds", code: EX_CONFIG)
        }
        if let pid = environmentVariable("WATCHDOG_PID") {
            guard let pid = pid_t(pid), pid > 0 else {
                throw Failure("WATCHDOG_PID is '\(pid)', and not the number of a process", code: EX_CONFIG)
            }
            if pid != getpid() { return nil }
        }
        return .microseconds(Int64(clamping: max(microseconds / 2, 1)))
    }
}
