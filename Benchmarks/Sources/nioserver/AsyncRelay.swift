import NIOConcurrencyHelpers

/// The connections, and how each is written to.
private final class Room: Sendable {
    private let state = NIOLockedValueBox<(writers: [Int: Writer], next: Int)>(([:], 0))

    var writers: [Int: Writer] { state.withLockedValue(\.writers) }

    func join(_ writer: Writer) -> Int {
        state.withLockedValue { state in
            state.next += 1
            state.writers[state.next] = writer
            return state.next
        }
    }

    func leave(_ number: Int) {
        state.withLockedValue { _ = $0.writers.removeValue(forKey: number) }
    }
}

/// Each line goes to everybody but its sender: with a task for each connection, which writes to the others.
func serveAsyncRelay(onPort port: Int) async throws {
    let room = Room()
    try await serve(onPort: port) { lines, writer in
        let number = room.join(writer)
        defer { room.leave(number) }
        for try await line in lines {
            for (other, writer) in room.writers where other != number {
                // That one connection is gone is no reason to end.
                try? await writer.write(line)
            }
        }
    }
}
