import Glibc
import TestSupport
import Testing

/// Many clients, ten of which send as fast as TCP lets them: all deliveries arrive, once, whole, in one order less one's own. A client
/// that never reads is dealt with, and does not stop the others.
///
/// `CHATREACTOR_FULL_SIZE=1 swift test --filter ExecutableTests.ManyClientsTests` does it with 1,000 clients and 10,000 lines of each
/// sender.
@Suite struct ManyClientsTests {
    private static let isFullSize = unsafe getenv("CHATREACTOR_FULL_SIZE") != nil
    private static let clientCount = isFullSize ? 1_000 : 200
    private static let senderCount = 10
    private static let lineCount = isFullSize ? 10_000 : 500
    /// In all, more than what the daemon keeps for the client that never reads, at either size.
    private static let lineLength = isFullSize ? 64 : 256

    @Test func `all get every line of all others in one order, beside one that never reads`() throws {
        Self.raiseDescriptorLimit()
        try withDaemon { daemon in
            let clients = try daemon.join(Self.clientCount)
            let stuck = try daemon.join(1, receiveBuffer: 4_096)[0]
            for client in clients { #expect(try client.receiveLine() == "joined") }

            var checker = OrderChecker(
                clientCount: clients.count, senderCount: Self.senderCount, lineCount: Self.lineCount, lineLength: Self.lineLength)
            try exchange(among: clients, &checker)
            #expect(checker.isStreamWhole())

            // What the one that never read has got is the beginning of what it should have got, and it is out.
            try daemon.process.error.text(through: "too slow")
            let received = try StreamReader(takingOver: dup(stuck.descriptor)).all()
            #expect(received.count < checker.totalLength)
            #expect(checker.isBeginning(received))
        }
    }

    /// Has the senders send all that they have, and everybody receive, until everybody has everything.
    private func exchange(among clients: [Peer], _ checker: inout OrderChecker) throws {
        var unsent = (0..<Self.senderCount).map { sender in
            [UInt8]((0..<Self.lineCount).map { checker.line($0, of: sender) }.joined())[...]
        }
        var entries = clients.indices.map { index in
            let events = index < Self.senderCount ? POLLIN | POLLOUT : POLLIN
            return pollfd(fd: clients[index].descriptor, events: Int16(events), revents: 0)
        }
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 262_144, alignment: 1)
        defer { unsafe buffer.deallocate() }
        var incomplete = Set(clients.indices)
        while !incomplete.isEmpty {
            // Senders that had got all of it before the others knew what it was are found to be complete only now.
            for sender in 0..<Self.senderCount where checker.isComplete(sender) { incomplete.remove(sender) }
            if incomplete.isEmpty { break }
            let ready = unsafe poll(&entries, nfds_t(entries.count), Int32(patience / .milliseconds(1)))
            try #require(ready > 0, "\(incomplete.count) clients wait in vain")
            for index in entries.indices where entries[index].revents != 0 {
                if entries[index].revents & Int16(POLLOUT) != 0 {
                    let count = unsafe unsent[index].withUnsafeBytes {
                        unsafe send(entries[index].fd, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL | MSG_DONTWAIT))
                    }
                    if count > 0 { unsent[index].removeFirst(count) }
                    if unsent[index].isEmpty { entries[index].events = Int16(POLLIN) }
                }
                if entries[index].revents & ~Int16(POLLOUT) != 0 {
                    let count = unsafe recv(entries[index].fd, buffer.baseAddress, buffer.count, Int32(MSG_DONTWAIT))
                    try #require(count > 0, "client \(index) was closed at \(checker.position(of: index))")
                    let isRight = unsafe checker.receive(UnsafeRawBufferPointer(rebasing: buffer[..<count]), by: index)
                    try #require(isRight, "client \(index) has got something else at \(checker.position(of: index))")
                    if checker.isComplete(index) { incomplete.remove(index) }
                }
            }
        }
    }

    private static func raiseDescriptorLimit() {
        var limit = rlimit()
        guard unsafe getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0 else { return }
        limit.rlim_cur = limit.rlim_max
        _ = unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit)
    }
}
