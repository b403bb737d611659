import Reactor

/// Tells a room who comes and goes: each by itself, as long as they are few. More than five within a second become one notice that counts
/// them, or a crowd that reconnects would fill everybody's screen, and the room's history.
final class Presence {
    private static let limit = 5

    private unowned let conversation: Conversation
    private var windowEnd = ContinuousClock.now
    private var told = 0
    private var joined = 0
    private var left = 0
    private var timer: EventLoop.Timer?

    init(in conversation: Conversation) {
        self.conversation = conversation
    }

    func didJoin(_ person: Person) {
        if mayTell() {
            conversation.publish(.join, from: person.name.text, [UInt8]().span, by: person, online: conversation.online)
        } else {
            joined += 1
        }
    }

    func didLeave(_ person: Person, reason: String) {
        if mayTell() {
            conversation.publish(.leave, from: person.name.text, reason.utf8.span, by: person, online: conversation.online)
        } else {
            left += 1
        }
    }

    /// Whether this one is told by itself. If not, the count follows at the end of the second.
    private func mayTell() -> Bool {
        let now = ContinuousClock.now
        if now >= windowEnd, joined + left == 0 {
            windowEnd = now.advanced(by: .seconds(1))
            told = 0
        }
        told += 1
        if told <= Self.limit { return true }
        if timer == nil { timer = conversation.chat?.loop.makeTimer { [weak self] in self?.tellCounts() } }
        timer?.arm(at: windowEnd)
        return false
    }

    private func tellCounts() {
        let counts = [(joined, "joined"), (left, "left")].filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }
        (joined, left) = (0, 0)
        if counts.isEmpty { return }
        let notice = "\(counts.joined(separator: ", ")) (\(conversation.online) online)"
        // Those who have IRC clients were told of each.
        conversation.publish(.notice, from: "", notice.utf8.span, reachesIRC: false)
    }
}
