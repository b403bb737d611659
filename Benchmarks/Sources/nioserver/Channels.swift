import NIOConcurrencyHelpers
import NIOCore

/// The channels of a chat, as in SwiftNIO's own chat server; the lock is there for the runs with several threads.
final class Channels: Sendable {
    private let all = NIOLockedValueBox<[ObjectIdentifier: any Channel]>([:])

    func add(_ channel: any Channel) {
        all.withLockedValue { $0[ObjectIdentifier(channel)] = channel }
    }

    func remove(_ channel: any Channel) {
        let id = ObjectIdentifier(channel)
        all.withLockedValue { _ = $0.removeValue(forKey: id) }
    }

    /// Sends a message to every channel but the one that it came from.
    func send(_ message: some Sendable, from sender: any Channel) {
        let sender = ObjectIdentifier(sender)
        // Outside the lock: a write that fails comes back as `channelInactive`. The snapshot shares its storage.
        let everybody = all.withLockedValue { $0 }
        for (id, channel) in everybody where id != sender {
            channel.writeAndFlush(message, promise: nil)
        }
    }
}
