import Glibc

/// How far the peer has got with what it was sent.
extension Connection {
    /// How many bytes the kernel holds for the peer, more or less: as the peer takes some, they become fewer. Nil if the kernel
    /// does not tell.
    ///
    /// Of a TCP socket these are the bytes that the peer's kernel has not acknowledged; a Unix socket counts the memory that they
    /// take. The corresponding C function is `ioctl`: TIOCOUTQ, which sockets call SIOCOUTQ, and FIONREAD for a pipe.
    package var bytesHeldByKernel: Int? {
        var count: Int32 = 0
        if unsafe ioctl(rawDescriptor, UInt(TIOCOUTQ), &count) == 0 { return Int(count) }
        if kind != .socket, unsafe ioctl(rawDescriptor, UInt(FIONREAD), &count) == 0 { return Int(count) }
        return nil
    }
}
