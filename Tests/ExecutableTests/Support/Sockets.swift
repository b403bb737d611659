import Glibc
import Reactor
import TestSupport

/// Whether this machine serves ::1.
let hasIPv6Loopback: Bool = {
    let address = SocketAddress.ipv6(high: 0, low: 1, port: 0, scope: 0)
    guard let descriptor = try? makeSocket(for: address) else { return false }
    defer { close(descriptor) }
    return unsafe withSystemAddress(address) { unsafe bind(descriptor, $0, $1) } == 0
}()

extension Peer {
    /// Connects to a port of ::1.
    convenience init(port6 port: UInt16) throws {
        try self.init(to: .ipv6(high: 0, low: 1, port: port, scope: 0))
    }

    /// Connects to a Unix-domain socket.
    convenience init(path: String) throws {
        try self.init(to: .unix(path: path))
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
