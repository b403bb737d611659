import Glibc

extension OwnedDescriptor {
    /// How much of what a rejected caller has sent is read.
    private static let inputLimit = 65_536

    /// Tells the caller at the other end of a socket why it is not served, and closes the socket. For what
    /// `EventLoop.listen(on:unsentLowWater:permissions:onAccept:)` passes on.
    ///
    /// ```swift
    /// try loop.listen(on: address) { socket, peer throws(Errno) in
    ///     guard isWelcome(peer) else { return socket.reject(with: "! not you\n") }
    ///     try loop.adopt(socket: socket, handler: handler)
    /// }
    /// ```
    ///
    /// This costs four system calls or a few more, never waits, and makes no connection. A few hundred bytes always fit into the
    /// buffer of a new socket.
    ///
    /// - Parameter line: What the caller is told, with the newline that its protocol may want.
    ///
    /// The corresponding C functions are `send`, `shutdown`, `recv` and `close`.
    public consuming func reject(with line: String) {
        let number = rawValue
        _ = unsafe line.utf8.span.withUnsafeBufferPointer { bytes in
            unsafe send(number, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL) | Int32(MSG_DONTWAIT))
        }
        shutdown(number, Int32(SHUT_WR))
        // A socket that is closed with input unread resets its peer, which might then never see the line. What is sent later resets it,
        // too, but after the line has gone.
        unsafe withUnsafeTemporaryAllocation(byteCount: 16_384, alignment: 1) { buffer in
            var count = 0
            while count < Self.inputLimit {
                let result = unsafe recv(number, buffer.baseAddress, buffer.count, Int32(MSG_DONTWAIT))
                if result <= 0 { break }
                count += result
            }
        }
    }
}
