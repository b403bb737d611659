import Glibc

/// A port of 127.0.0.1 that is free now; nil if there is none. Nobody else is given it soon, since the kernel picks another one each time.
///
/// The corresponding C functions are `bind` and `getsockname`.
func freePort() -> UInt16? {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    defer { close(descriptor) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isBound = unsafe withUnsafeMutablePointer(to: &address) { pointer in
        unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
            unsafe bind(descriptor, address, size) == 0 && getsockname(descriptor, address, &size) == 0
        }
    }
    return isBound ? UInt16(bigEndian: address.sin_port) : nil
}
