import Reactor

/// Topics whose publishers are the same: what is said is published in all of them, each time in another form. While one of them is under
/// pressure, reading from the publishers of all of them is paused.
///
/// A connection that publishes has one pause for each topic of the group that is under pressure. So it does not matter in which order they
/// come under it, and cease to be.
package final class PressureGroup {
    /// A topic that takes itself out before it is gone. A weak reference would cost it a side table, and with that each retain and
    /// release of the topic a slower way, several times a message.
    private struct Member {
        let id: ObjectIdentifier
        unowned let topic: Topic
    }

    private var members: [Member] = []

    package init() {}

    var topics: [Topic] { members.map(\.topic) }

    /// How many pauses each publisher has.
    var pauseCount: Int { topics.count(where: \.isUnderPressure) }

    /// Adds a topic that has no publisher yet.
    package func add(_ topic: Topic) {
        members.append(Member(id: ObjectIdentifier(topic), topic: topic))
        topic.pressureGroup = self
    }

    /// Removes a topic, and takes back the pauses that go with it.
    package func remove(_ topic: Topic) {
        if topic.isUnderPressure { topic.pausePublishers(false) }
        forget(ObjectIdentifier(topic))
        for connection in topic.allPublishers { for _ in 0..<pauseCount { connection.resumeReading() } }
        topic.pressureGroup = nil
        if topic.isUnderPressure { topic.pausePublishers(true) }
    }

    /// Forgets a topic that is being released.
    func forget(_ topic: ObjectIdentifier) {
        members.removeAll { $0.id == topic }
    }
}
