import ChatCommandLine
import Glibc
import Reactor

/// The listening sockets that a service manager has opened and passed on: socket activation, as of sd_listen_fds(3).
///
/// They are the descriptors from 3 on. `LISTEN_FDS` says how many, `LISTEN_PID` for which process, `LISTEN_FDNAMES` what each is called.
struct PassedSockets {
    /// What a socket is for.
    enum Purpose: Hashable {
        case clients(ClientProtocol)
        case metrics, control

        /// By its name, which is `FileDescriptorName=` of a socket unit. Any name but these is of a socket for clients that speak
        /// lines: without that setting, it is the name of the unit.
        fileprivate init(name: String) {
            switch name {
            case "metrics": self = .metrics
            case "control": self = .control
            default: self = .clients(ClientProtocol.allCases.first { $0.socketName == name } ?? .lines)
            }
        }
    }

    private struct Socket {
        let descriptor: Int32
        let name: String

        var purpose: Purpose { Purpose(name: name) }
    }

    private let sockets: [Socket]

    /// Reads the variables, and removes them: a program that this one may start must not take them for its own. The descriptors are made
    /// close-on-exec for the same reason.
    ///
    /// Must come before the process opens anything: a descriptor that was announced and is not there would otherwise be another file.
    ///
    /// - Throws: A failure that names the variable or the descriptor that is wrong.
    ///
    /// The corresponding C functions are `getenv`, `unsetenv` and `fcntl`.
    init() throws(Failure) {
        let variables = ["LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES", "LISTEN_PIDFDID"]
        let values = variables.map(environmentVariable)
        for name in variables { unsafe unsetenv(name) }
        // Without both there is nothing, and what was passed to another process is not this one's.
        guard let pid = values[0], let count = values[1] else {
            sockets = []
            return
        }
        guard let pid = pid_t(pid), pid > 0 else {
            throw Failure("LISTEN_PID is '\(pid)', and not the number of a process", code: EX_CONFIG)
        }
        guard pid == getpid() else {
            sockets = []
            return
        }
        guard let count = Int32(count), (1...Int32.max - 3).contains(count) else {
            throw Failure("LISTEN_FDS is '\(count)', and not a number of descriptors", code: EX_CONFIG)
        }
        let names = values[2].map { $0.split(separator: ":", omittingEmptySubsequences: false).map(String.init) }
        if let names, names.count != Int(count) {
            throw Failure("LISTEN_FDNAMES has \(names.count) names for \(count) descriptors", code: EX_CONFIG)
        }
        var sockets: [Socket] = []
        for index in 0..<count {
            let descriptor = 3 + index
            guard fcntl(descriptor, F_SETFD, FD_CLOEXEC) >= 0 else {
                throw Failure("descriptor \(descriptor) of LISTEN_FDS=\(count): \(Errno.last)", code: EX_CONFIG)
            }
            sockets.append(Socket(descriptor: descriptor, name: names?[Int(index)] ?? "unknown"))
        }
        self.sockets = sockets
    }

    /// Whether there is one for a purpose.
    func contains(_ purpose: Purpose) -> Bool { sockets.contains { $0.purpose == purpose } }

    /// Whether there is one for clients.
    var hasClients: Bool { ClientProtocol.allCases.contains { contains(.clients($0)) } }

    /// Listens at those that are for a purpose.
    ///
    /// - Throws: A failure that names the socket and says what is wrong with it.
    func listen(
        for purpose: Purpose, _ listen: (consuming OwnedDescriptor) throws(Errno) -> Listener
    ) throws(Failure) -> [Listener] {
        var listeners: [Listener] = []
        for socket in sockets where socket.purpose == purpose {
            let place = "descriptor \(socket.descriptor), called '\(socket.name)'"
            do throws(Errno) {
                listeners.append(try listen(OwnedDescriptor(takingOver: socket.descriptor)))
            } catch {
                switch error {
                case .notSocket, .invalidArgument, .addressFamilyNotSupported:
                    // At any other socket, nobody who gives commands could be asked who it is.
                    let kind = purpose == .control ? "Unix-domain" : "stream"
                    throw Failure("\(place), is no listening \(kind) socket", code: EX_CONFIG)
                default:
                    throw Failure("cannot listen on \(place): \(error)", code: EX_UNAVAILABLE)
                }
            }
        }
        return listeners
    }
}
