import ChatReactorText
import Reactor

/// What an operator has laid down for a chat: who is banned, who is muted, and when the server shuts down.
final class Moderation {
    /// How long before the end people are told once more.
    private static let reminders: [Duration] = [.seconds(60), .seconds(10)]

    var bans = BanList()
    var mutes = Mutes()
    private var shutdown: Shutdown?
    /// When another server of the group shuts down, and this one with it.
    private var expected: (deadline: ContinuousClock.Instant, reason: String)?
    private var shutdownTimer: EventLoop.Timer?

    private struct Shutdown {
        let deadline: ContinuousClock.Instant
        let reason: String
        let completion: () -> Void
        var reminders: [Duration]
    }

    // MARK: - Shutting down

    /// How long it takes until the server shuts down, and why; nil if it does not.
    var pendingShutdown: (remaining: Duration, reason: String)? {
        let now = ContinuousClock.now
        if let shutdown { return (max(now.duration(to: shutdown.deadline), .zero), shutdown.reason) }
        // Who has announced it may be gone by now.
        return expected.flatMap { $0.deadline > now ? (now.duration(to: $0.deadline), $0.reason) : nil }
    }

    static func shutdownNotice(in remaining: Duration, reason: String) -> String {
        let time = remaining > .zero ? "in \(TimeSpan.describe(remaining + .milliseconds(999)))" : "now"
        return "the server shuts down \(time)" + (reason.isEmpty ? "" : ": \(reason)")
    }

    /// Tells every room, or of several machines those who are at this one, and leaves out a reason that is too long for it.
    private func announce(in remaining: Duration, reason: String, to chat: Chat) {
        if chat.isAmongOtherMachines { return chat.tellMachine(Self.shutdownNotice(in: remaining, reason: reason)) }
        for room in chat.rooms where !room.announce(Self.shutdownNotice(in: remaining, reason: reason)) {
            room.announce(Self.shutdownNotice(in: remaining, reason: ""))
        }
    }

    func scheduleShutDown(of chat: Chat, after delay: Duration, reason: String, then completion: @escaping () -> Void) {
        let delay = max(delay, .zero)
        var new: Shutdown? = Shutdown(
            deadline: .now.advanced(clamping: delay), reason: reason, completion: completion,
            reminders: Self.reminders.filter { $0 < delay })
        // Exchanged, so that the closure before is released after the access.
        swap(&new, &shutdown)
        announce(in: delay, reason: reason, to: chat)
        if shutdownTimer == nil {
            shutdownTimer = chat.loop.makeTimer { [weak self, weak chat] in if let chat { self?.continueShutDown(of: chat) } }
        }
        armTimer()
    }

    /// Another server of the group will shut down, and this one with it.
    func expectShutDown(at deadline: ContinuousClock.Instant, reason: String) { expected = (deadline, reason) }

    func cancelShutDown() -> Bool {
        shutdownTimer?.cancel()
        let isPending = pendingShutdown != nil
        expected = nil
        let cancelled = shutdown.take()
        withExtendedLifetime(cancelled) {}
        return isPending
    }

    private func armTimer() {
        guard let shutdown else { return }
        shutdownTimer?.arm(at: shutdown.deadline - (shutdown.reminders.first ?? .zero))
    }

    private func continueShutDown(of chat: Chat) {
        guard var pending = shutdown else { return }
        if pending.reminders.isEmpty {
            let completion = shutdown.take()?.completion
            completion?()
        } else {
            let remaining = pending.reminders.removeFirst()
            shutdown = pending
            announce(in: remaining, reason: pending.reason, to: chat)
            armTimer()
        }
    }
}
