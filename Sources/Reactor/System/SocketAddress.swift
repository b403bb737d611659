import Glibc

/// The address of a socket: an IP address and a port, or a path. `Endpoint` makes addresses of text.
///
/// ```swift
/// let address = SocketAddress.ipv4(address: 0xC0A8_0001, port: 3001)
/// print(address)                          // 192.168.0.1:3001
/// ```
public enum SocketAddress: Hashable, Sendable {
    /// The address as a number, its first byte first: 127.0.0.1 is `0x7F00_0001`.
    case ipv4(address: UInt32, port: UInt16)
    /// The two halves of the address, and the number of the interface of a link-local address, or 0.
    case ipv6(high: UInt64, low: UInt64, port: UInt16, scope: UInt32)
    /// A Unix-domain socket, by its path of 107 bytes at most. An empty path is that of a socket without a name.
    case unix(path: String)

    /// 127.0.0.1, which only this machine can reach. For a listener, port 0 means that the kernel picks one.
    public static func loopback(port: UInt16) -> SocketAddress {
        .ipv4(address: 0x7F00_0001, port: port)
    }

    /// Reads an IP address as a number: `192.0.2.7`, `2001:db8::1`, without brackets. Nil for everything else. No name is looked up.
    ///
    /// The corresponding C function is `inet_pton`.
    package init?(ip text: String, port: UInt16 = 0) {
        // In C a zero byte would end the text.
        if text.utf8.contains(0) { return nil }
        var number = in_addr()
        if unsafe inet_pton(AF_INET, text, &number) == 1 {
            self = .ipv4(address: UInt32(bigEndian: number.s_addr), port: port)
            return
        }
        var bytes = in6_addr()
        guard unsafe inet_pton(AF_INET6, text, &bytes) == 1 else { return nil }
        let (high, low) = unsafe withUnsafeBytes(of: bytes) {
            // An in6_addr is aligned to four bytes, and not to the eight of a UInt64.
            unsafe ($0.loadUnaligned(as: UInt64.self), $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
        }
        self = .ipv6(high: UInt64(bigEndian: high), low: UInt64(bigEndian: low), port: port, scope: 0)
    }

    /// The port, or nil for a path.
    public var port: UInt16? {
        switch self {
        case .ipv4(_, let port), .ipv6(_, _, let port, _): port
        case .unix: nil
        }
    }

    /// Whether only this machine can be at that address, or reach it: a path, or an address of the loopback interface, also if it is one
    /// of IPv4 that is written as one of IPv6.
    public var isOnThisMachine: Bool {
        switch self {
        case .unix: true
        case .ipv4(let number, _): number >> 24 == 127
        case .ipv6(0, let low, _, _): low == 1 || low >> 24 == 0xFFFF_7F
        case .ipv6: false
        }
    }

    /// The same address with another port; a path stays as it is.
    public func withPort(_ port: UInt16) -> SocketAddress {
        switch self {
        case .ipv4(let address, _): .ipv4(address: address, port: port)
        case .ipv6(let high, let low, _, let scope): .ipv6(high: high, low: low, port: port, scope: scope)
        case .unix: self
        }
    }
}

extension SocketAddress: CustomStringConvertible {
    /// The form that `Endpoint` reads: `127.0.0.1:3001`, `[::1]:3001`, `unix:/run/chatd.sock`.
    public var description: String {
        switch self {
        case .unix(let path):
            return "unix:\(path)"
        case .ipv4(_, let port):
            return "\(numericHost):\(port)"
        case .ipv6(_, _, let port, _):
            return "[\(numericHost)]:\(port)"
        }
    }

    /// The address without its port and brackets; "?" for a path.
    ///
    /// The corresponding C function is `getnameinfo`.
    package var numericHost: String {
        // With its scope, it would be looked up what the interface is called, each time, by system calls that a process in a sandbox may
        // not have.
        if case .ipv6(let high, let low, _, let scope) = self, scope != 0 {
            return "\(SocketAddress.ipv6(high: high, low: low, port: 0, scope: 0).numericHost)%\(scope)"
        }
        return unsafe withUnsafeTemporaryAllocation(of: CChar.self, capacity: Int(NI_MAXHOST)) { host in
            guard let start = host.baseAddress else { return "?" }
            let result = unsafe withSystemAddress { address, length in
                unsafe getnameinfo(address, length, start, socklen_t(host.count), nil, 0, NI_NUMERICHOST)
            }
            return result == 0 ? unsafe String(cString: start) : "?"
        }
    }
}

// MARK: - The kernel's form

extension SocketAddress {
    var family: Int32 {
        switch self {
        case .ipv4: AF_INET
        case .ipv6: AF_INET6
        case .unix: AF_UNIX
        }
    }

    /// How long a path may be in bytes: `sun_path` without the zero at its end.
    static let maximumPathLength = MemoryLayout.size(ofValue: sockaddr_un().sun_path) - 1

    /// Calls `body` with the kernel's form of the address. A path must not be longer than `maximumPathLength`.
    func withSystemAddress<Result>(_ body: (UnsafePointer<sockaddr>, socklen_t) -> Result) -> Result {
        switch self {
        case .ipv4(let number, let port):
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_port = port.bigEndian
            address.sin_addr.s_addr = number.bigEndian
            return unsafe withErasedPointer(to: &address, length: MemoryLayout<sockaddr_in>.size, body)
        case .ipv6(let high, let low, let port, let scope):
            var address = sockaddr_in6()
            address.sin6_family = sa_family_t(AF_INET6)
            address.sin6_port = port.bigEndian
            address.sin6_scope_id = scope
            unsafe withUnsafeMutableBytes(of: &address.sin6_addr) { bytes in
                // Like loadUnaligned below, storeBytes needs no alignment.
                unsafe bytes.storeBytes(of: high.bigEndian, toByteOffset: 0, as: UInt64.self)
                unsafe bytes.storeBytes(of: low.bigEndian, toByteOffset: 8, as: UInt64.self)
            }
            return unsafe withErasedPointer(to: &address, length: MemoryLayout<sockaddr_in6>.size, body)
        case .unix(let path):
            var address = sockaddr_un()
            address.sun_family = sa_family_t(AF_UNIX)
            assert(path.utf8.count <= Self.maximumPathLength)
            unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: path.utf8) }
            return unsafe withErasedPointer(to: &address, length: MemoryLayout<sockaddr_un>.size, body)
        }
    }

    private func withErasedPointer<Address, Result>(
        to address: inout Address, length: Int, _ body: (UnsafePointer<sockaddr>, socklen_t) -> Result
    ) -> Result {
        unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe body($0, socklen_t(length)) }
        }
    }

    /// Reads the address that the system call in `fill` writes; nil for a family other than these three.
    init?(filledBy fill: (UnsafeMutablePointer<sockaddr>, UnsafeMutablePointer<socklen_t>) -> Int32) throws(Errno) {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        let result = unsafe withUnsafeMutablePointer(to: &storage) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe fill($0, &length) }
        }
        if result < 0 { throw Errno.last }
        let address = unsafe withUnsafeBytes(of: &storage) { unsafe SocketAddress(bytes: $0, length: Int(length)) }
        guard let address else { return nil }
        self = address
    }

    private init?(bytes: UnsafeRawBufferPointer, length: Int) {
        guard length >= MemoryLayout<sa_family_t>.size else { return nil }
        switch Int32(unsafe bytes.load(as: sa_family_t.self)) {
        case AF_INET:
            let address = unsafe bytes.load(as: sockaddr_in.self)
            self = .ipv4(address: UInt32(bigEndian: address.sin_addr.s_addr), port: UInt16(bigEndian: address.sin_port))
        case AF_INET6:
            let address = unsafe bytes.load(as: sockaddr_in6.self)
            let (high, low) = unsafe withUnsafeBytes(of: address.sin6_addr) {
                // An in6_addr is aligned to four bytes, and not to the eight of a UInt64.
                unsafe ($0.loadUnaligned(as: UInt64.self), $0.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
            }
            self = unsafe .ipv6(
                high: UInt64(bigEndian: high), low: UInt64(bigEndian: low),
                port: UInt16(bigEndian: address.sin6_port), scope: address.sin6_scope_id)
        case AF_UNIX:
            let path = unsafe bytes[MemoryLayout<sa_family_t>.size..<min(length, bytes.count)].prefix { $0 != 0 }
            self = .unix(path: unsafe String(decoding: path, as: UTF8.self))
        default:
            return nil
        }
    }
}

// MARK: - Names

extension SocketAddress {
    /// The addresses of a host, numeric or named, in the order in which the system recommends to try them.
    ///
    /// Blocks while a name is looked up, so it belongs before the loop runs. The corresponding C function is `getaddrinfo`.
    static func resolving(host: String, port: UInt16) throws(EndpointError) -> [SocketAddress] {
        // In C the zero byte ends the name, so another host would be found.
        if host.utf8.contains(0) { throw EndpointError("the host '\(host)' has a zero byte") }
        var hints = unsafe addrinfo()
        unsafe hints.ai_socktype = Int32(SOCK_STREAM.rawValue)
        var list: UnsafeMutablePointer<addrinfo>?
        let result = unsafe getaddrinfo(host, String(port), &hints, &list)
        guard result == 0 else {
            let reason = result == EAI_SYSTEM ? Errno.last.description : unsafe String(cString: gai_strerror(result))
            throw EndpointError("cannot find the host '\(host)': \(reason)")
        }
        defer { unsafe freeaddrinfo(list) }
        var addresses: [SocketAddress] = []
        var next = unsafe list
        while let entry = unsafe next {
            if let start = unsafe UnsafeRawPointer(entry.pointee.ai_addr) {
                let length = Int(unsafe entry.pointee.ai_addrlen)
                let bytes = unsafe UnsafeRawBufferPointer(start: start, count: length)
                // A hosts file that names an address twice makes it come twice.
                if let address = unsafe SocketAddress(bytes: bytes, length: length), !addresses.contains(address) {
                    addresses.append(address)
                }
            }
            unsafe next = entry.pointee.ai_next
        }
        if addresses.isEmpty { throw EndpointError("the host '\(host)' has no address") }
        return addresses
    }
}
