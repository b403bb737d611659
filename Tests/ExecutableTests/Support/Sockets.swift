import Glibc
import Reactor
import TestSupport

/// Whether this machine serves ::1.
let hasIPv6Loopback: Bool = {
    let descriptor = socket(AF_INET6, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    if descriptor < 0 { return false }
    defer { close(descriptor) }
    return unsafe withErasedPointer(to: loopback6(port: 0)) { unsafe bind(descriptor, $0, $1) } == 0
}()

private func loopback6(port: UInt16) -> sockaddr_in6 {
    var address = sockaddr_in6()
    address.sin6_family = sa_family_t(AF_INET6)
    address.sin6_port = port.bigEndian
    unsafe withUnsafeMutableBytes(of: &address.sin6_addr) { unsafe $0[15] = 1 }
    return address
}

extension LineClient {
    /// Connects to a port of ::1.
    convenience init(port6 port: UInt16) throws {
        try self.init(family: AF_INET6, address: loopback6(port: port))
    }

    /// Connects to a Unix-domain socket.
    convenience init(path: String) throws {
        try self.init(family: AF_UNIX, address: unixAddress(path))
    }

    private convenience init<Address>(family: Int32, address: Address) throws {
        let descriptor = socket(family, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw Errno(rawValue: errno) }
        self.init(takingOver: descriptor)
        let result = unsafe withErasedPointer(to: address) { unsafe connect(descriptor, $0, $1) }
        if result < 0 { throw Errno(rawValue: errno) }
        setTimeout(seconds: Int(patience / .seconds(1)))
    }

    /// Closes so that the peer gets a reset instead of an end of input.
    func reset() {
        var option = linger(l_onoff: 1, l_linger: 0)
        _ = unsafe setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
        close()
    }
}

/// The address of a path, or, if it begins with an at sign, of a name in the abstract namespace.
func unixAddress(_ path: String) -> sockaddr_un {
    var bytes = Array(path.utf8)
    if bytes.first == UInt8(ascii: "@") { bytes[0] = 0 }
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: bytes) }
    return address
}

/// Hands `body` an address as system calls take it. That of an abstract name must be cut to its length.
func withErasedPointer<Address, Result>(
    to address: Address, length: Int = MemoryLayout<Address>.size, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
) -> Result {
    unsafe withUnsafePointer(to: address) { pointer in
        unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe body($0, socklen_t(length)) }
    }
}

/// A directory for one test, removed with all that is in it.
final class TemporaryDirectory {
    let path: String

    init() throws {
        var template = Array("/tmp/chatreactor-XXXXXX".utf8CString)
        guard unsafe mkdtemp(&template) != nil else { throw Errno(rawValue: errno) }
        path = String(decoding: template.dropLast().map(UInt8.init), as: UTF8.self)
    }

    deinit {
        guard let directory = unsafe opendir(path) else { return }
        while let entry = unsafe readdir(directory) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) { unsafe String(cString: $0) }
            }
            if name != ".", name != ".." { unsafe unlink("\(path)/\(name)") }
        }
        unsafe closedir(directory)
        unsafe rmdir(path)
    }
}
