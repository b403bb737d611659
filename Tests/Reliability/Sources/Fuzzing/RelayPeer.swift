import Glibc

@testable import Reactor

/// The far end of a connection to the relay, what it has written and received, and what it should have received.
final class RelayPeer {
    weak var connection: Connection?
    var id: Connection.ID?
    var reason: CloseReason?

    /// What the socket took, and what of it the relay says that it relayed.
    private(set) var written: [UInt8] = []
    var relayed: [[UInt8]] = []
    /// The messages of others that it has not been given yet.
    var due: ArraySlice<[UInt8]> = []
    private(set) var received: ArraySlice<UInt8> = []
    private(set) var hasFinishedWriting = false
    private(set) var hasHungUp = false
    private var descriptor: Int32
    private let letter: UInt8
    private var lineCount = 0

    init(_ descriptor: Int32, letter: UInt8) {
        self.descriptor = descriptor
        self.letter = letter
    }

    deinit {
        hangUp()
    }

    var name: String { String(decoding: [letter], as: UTF8.self) }

    // MARK: - What it does

    func write(_ bytes: [UInt8]) {
        if hasFinishedWriting || hasHungUp { return }
        let count = unsafe send(descriptor, bytes, bytes.count, Int32(MSG_NOSIGNAL))
        if count > 0 { written += bytes.prefix(count) }
    }

    /// Writes lines of about that length, each of which is another.
    func writeLines(_ count: Int, length: Int) {
        for _ in 0..<count {
            lineCount += 1
            var line = Array("\(name)\(lineCount) ".utf8)
            while line.count < length { line.append(letter) }
            write(line + [10])
        }
    }

    @discardableResult
    func read(atMost limit: Int) -> Int {
        if hasHungUp { return 0 }
        var taken = 0
        var piece = [UInt8](repeating: 0, count: 4_096)
        while taken < limit {
            let count = unsafe recv(descriptor, &piece, min(piece.count, limit - taken), 0)
            if count <= 0 { break }
            received += piece[..<count]
            taken += count
        }
        return taken
    }

    func finishWriting() {
        if hasHungUp { return }
        hasFinishedWriting = true
        shutdown(descriptor, Int32(SHUT_WR))
    }

    /// Closes the socket, whatever of it is unread.
    func hangUp() {
        if hasHungUp { return }
        hasHungUp = true
        close(descriptor)
    }

    // MARK: - What it must have got

    /// Whether its last line was that it is closed as too slow.
    private(set) var wasToldTooSlow = false

    var hasEverything: Bool { due.isEmpty && received.isEmpty }

    /// Removes what has been received from what is due, and returns how many notices of long lines were among it. What is left is a part of
    /// the next message or notice.
    func checkReceived(maySkip: Bool) -> Int {
        var notices = 0
        while let first = received.first {
            if first == UInt8(ascii: "!") {
                guard let end = received.firstIndex(of: 10) else { break }
                let notice = String(decoding: received[..<end], as: UTF8.self)
                received = received[(end + 1)...]
                if notice.hasPrefix("! line too long") {
                    notices += 1
                } else if notice.hasPrefix("! goodbye: ") {
                    // Its connection lingers until the peer closes, too: no reason may have been reported yet.
                    wasToldTooSlow = notice.hasSuffix("you are reading too slowly")
                } else {
                    skip(notice, maySkip)
                }
                continue
            }
            guard let next = due.first else { fatalError("peer \(name) got what is not for it: \(Array(received))") }
            let common = min(next.count, received.count)
            guard next.prefix(common).elementsEqual(received.prefix(common)) else {
                fatalError("peer \(name) got \(Array(received.prefix(common))) for \(next)")
            }
            if common < next.count { break }
            due = due.dropFirst()
            received = received.dropFirst(common)
        }
        return notices
    }

    private func skip(_ notice: String, _ maySkip: Bool) {
        let count = notice.split(separator: " ").dropFirst().first.flatMap { Int($0) } ?? 0
        guard maySkip, notice.hasSuffix("messages skipped: you are reading too slowly"), (1...due.count).contains(count) else {
            fatalError("peer \(name) was told '\(notice)', where \(due.count) messages were due")
        }
        due = due.dropFirst(count)
    }
}
