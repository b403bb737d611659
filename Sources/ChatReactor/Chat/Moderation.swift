import ChatReactorText
import Reactor

/// What an operator has laid down for a chat: who is banned, who is muted, and when the server shuts down.
final class Moderation {
    /// How long before the end people are told once more.
    private static let reminders: [Duration] = [.seconds(60), .seconds(10)]

    var bans = BanList()
    /// By name: nil for good.
    private var mutes: [ChatName: ContinuousClock.Instant?] = [:]
    private var shutdown: Shutdown?
    private var shutdownTimer: EventLoop.Timer?

    private struct Shutdown {
        let deadline: ContinuousClock.Instant
        let reason: String
        let completion: () -> Void
        var reminders: [Duration]
    }

    // MARK: - Muting

    /// Whether somebody may be muted.
    var hasMutes: Bool { !mutes.isEmpty }

    /// How long a name is muted: nil if it is not.
    func mute(of name: ChatName) -> Mute? {
        if mutes.isEmpty { return nil }
        guard let end = mutes[name] else { return nil }
        guard let end else { return Mute(remaining: nil) }
        let now = ContinuousClock.now
        if now < end { return Mute(remaining: now.duration(to: end)) }
        mutes[name] = nil
        return nil
    }

    struct Mute {
        /// Nil for good.
        let remaining: Duration?

        /// What somebody is told who is muted.
        var notice: String { "you are muted" + (remaining.map { " for \(TimeSpan.describe($0 + .milliseconds(999)))" } ?? "") }
    }

    /// The names that are muted, and for how long from now on.
    var allMutes: [(name: ChatName, remaining: Duration?)] {
        mutes.keys.compactMap { name in mute(of: name).map { (name, $0.remaining) } }
    }

    func mute(_ name: ChatName, for duration: Duration?) {
        mutes.updateValue(duration.map { .now.advanced(clamping: $0) }, forKey: name)
    }

    func unmute(_ name: ChatName) -> Bool {
        let wasMuted = mute(of: name) != nil
        mutes.removeValue(forKey: name)
        return wasMuted
    }

    /// Who is muted stays so under another name, which a login may have given.
    func moveMute(of old: ChatName, to new: ChatName) {
        if mutes.isEmpty || old == new { return }
        if let mute = mutes.removeValue(forKey: old) { mutes.updateValue(mute, forKey: new) }
    }

    // MARK: - Shutting down

    /// How long it takes until the server shuts down, and why; nil if it does not.
    var pendingShutdown: (remaining: Duration, reason: String)? {
        shutdown.map { (max(ContinuousClock.now.duration(to: $0.deadline), .zero), $0.reason) }
    }

    static func shutdownNotice(in remaining: Duration, reason: String) -> String {
        let time = remaining > .zero ? "in \(TimeSpan.describe(remaining + .milliseconds(999)))" : "now"
        return "the server shuts down \(time)" + (reason.isEmpty ? "" : ": \(reason)")
    }

    /// Tells every room, or of several machines those who are at this one, and leaves out a reason that is too long for it.
    private func announce(in remaining: Duration, reason: String, to chat: Chat) {
        if chat.isAmongOtherMachines { return chat.tellAll(.notice(Self.shutdownNotice(in: remaining, reason: reason))) }
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
    func expectShutDown(at deadline: ContinuousClock.Instant, reason: String) {
        var new: Shutdown? = Shutdown(deadline: deadline, reason: reason, completion: {}, reminders: [])
        swap(&new, &shutdown)
        shutdownTimer?.cancel()
    }

    func cancelShutDown() -> Bool {
        shutdownTimer?.cancel()
        return shutdown.take() != nil
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
