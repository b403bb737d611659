import Glibc
import Reactor

/// Two sockets that are connected to each other. The corresponding C function is `socketpair`.
func makeSocketPair() throws(Errno) -> (Int32, Int32) {
    var ends: [Int32] = [-1, -1]
    let type = Int32(SOCK_STREAM.rawValue | SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
    if unsafe socketpair(AF_UNIX, type, 0, &ends) < 0 { throw Errno(rawValue: errno) }
    return (ends[0], ends[1])
}
