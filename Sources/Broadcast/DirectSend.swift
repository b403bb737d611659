import Glibc

/// What one flush sends to subscribers about whom nothing is unusual: bytes that go straight from the log to the socket. It uses no object, so
/// any thread may send, as long as no other one looks at the same cursor.
@safe struct DirectSend {
    let bytes: UnsafePointer<UInt8>
    let mask: Int
    let tail: Int
    let budget: Int

    /// Whether there is something to send to a subscriber, and nothing unusual about it.
    @inline(__always)
    func applies(to cursor: UnsafeMutablePointer<Cursor>) -> Bool {
        let position = unsafe cursor.pointee.position
        return unsafe cursor.pointee.state == .ready && cursor.pointee.ownEnd <= position && position != tail
            && tail &- position <= budget
    }

    /// Sends what the subscriber lacks, and moves its cursor if all of it is taken. Returns what `send` does.
    ///
    /// It goes past the connection, straight to its descriptor. That is right because `ready` means: the connection is open, so the
    /// number is its socket's; it has no transport, so bytes go out as they are; it is not blocked, finishing or failed; and nothing of
    /// its own waits, which would have to leave first. The connection announces when one of these changes, and a send that takes all
    /// changes none of them. A send that takes less is to be reported to the connection.
    @inline(__always)
    func callAsFunction(to cursor: UnsafeMutablePointer<Cursor>) -> Int {
        let position = unsafe cursor.pointee.position
        let lacking = tail &- position
        let sent = unsafe send(cursor.pointee.descriptor, bytes + (position & mask), lacking, Int32(MSG_NOSIGNAL))
        if sent == lacking { unsafe cursor.pointee.position = tail }
        return sent
    }
}
