import Reactor

/// Tells a room who comes and goes: each by itself, as long as they are few. More than five within a second become one notice that counts
/// them, or a crowd that reconnects would fill everybody's screen, and the room's history.
final class Presence {
    private static let limit = 5

    /// What has happened within a second.
    struct Crowd: Equatable {
        /// When it is over, in milliseconds of `Chat.presenceTime`.
        var windowEnd: Int64 = 0
        var told = 0
        /// Those who are yet to be counted.
        var joined = 0
        var left = 0
    }

    private unowned let conversation: Conversation
    var crowd = Crowd()
    private var timer: EventLoop.Timer?

    init(in conversation: Conversation) {
        self.conversation = conversation
    }

    func didJoin(_ person: Person) {
        if mayTell() {
            conversation.publish(.join, from: person.name.text, [UInt8]().span, by: person, online: conversation.online)
        } else {
            crowd.joined += 1
        }
    }

    func didLeave(_ person: Person, reason: String) {
        if mayTell() {
            conversation.publish(.leave, from: person.name.text, reason.utf8.span, by: person, online: conversation.online)
        } else {
            crowd.left += 1
        }
    }

    /// Whether this one is told by itself. If not, the count follows at the end of the second.
    private func mayTell() -> Bool {
        guard let chat = conversation.chat else { return false }
        let now = chat.presenceTime
        if now >= crowd.windowEnd, crowd.joined + crowd.left == 0 {
            crowd.windowEnd = now + 1_000
            crowd.told = 0
        }
        crowd.told += 1
        if crowd.told <= Self.limit { return true }
        countLater(in: .milliseconds(min(max(crowd.windowEnd - now, 0), 1_000)), on: chat.loop)
        return false
    }

    private func countLater(in time: Duration, on loop: EventLoop) {
        if timer == nil { timer = loop.makeTimer { [weak self] in self?.timeIsOver() } }
        if timer?.deadline == nil { timer?.arm(after: time) }
    }

    private func timeIsOver() {
        if crowd.joined + crowd.left == 0 { return }
        if let replica = conversation.chat?.replica {
            // At all servers at the same place.
            replica.submit(.countCrowd(room: conversation.name.text))
        } else {
            tellCounts()
        }
    }

    func tellCounts() {
        let counts = [(crowd.joined, "joined"), (crowd.left, "left")].filter { $0.0 > 0 }.map { "\($0.0) \($0.1)" }
        (crowd.joined, crowd.left) = (0, 0)
        if counts.isEmpty { return }
        let notice = "\(counts.joined(separator: ", ")) (\(conversation.online) online)"
        // Those who have IRC clients were told of each.
        conversation.publish(.notice, from: "", notice.utf8.span, reachesIRC: false)
    }
}
