import Testing

@testable import ChatReactor

/// What the servers of a chat have to know alike.
enum ReplicaState {
    struct Disagreement: Error {}

    /// Fails unless all of them know the same.
    static func expectAgreement(
        of replicas: [ChatReplica], _ comment: Comment, sourceLocation: SourceLocation = #_sourceLocation
    ) throws {
        let states = replicas.map { state(of: $0).sorted() }
        for (index, state) in states.enumerated().dropFirst() where state != states[0] {
            let changes = state.difference(from: states[0])
            Issue.record("\(comment): server \(index) differs from server 0 by \(changes)", sourceLocation: sourceLocation)
            throw Disagreement()
        }
    }

    /// All that a server knows of the chat.
    private static func state(of replica: ChatReplica) -> [String] {
        replica.snapshot().flatMap { part -> [String] in
            switch part {
            // Which of its own events have their place, each server knows a moment before the others.
            case .start(let start): return ["\(start.guestCount) \(start.time) \(start.servers.map(\.name))"]
            case .records(let room, let records):
                return records.map { record in
                    let (from, text) = (
                        String(decoding: record.from, as: UTF8.self), String(decoding: record.text, as: UTF8.self)
                    )
                    return "\(room): kind \(record.kind) at \(record.time), \(from): \(text) (\(record.online) online)"
                }
            default: return ["\(part)"]
            }
        }
    }
}
