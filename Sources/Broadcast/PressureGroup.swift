import Reactor

/// Topics whose publishers are the same: what is said is published in all of them, each time in another form. While one of them is under
/// pressure, reading from the publishers of all of them is paused.
///
/// A connection that publishes has one pause for each topic of the group that is under pressure. So it does not matter in which order they
/// come under it, and cease to be.
package final class PressureGroup {
    private struct Member {
        weak var topic: Topic?
    }

    private var members: [Member] = []

    package init() {}

    var topics: [Topic] { members.compactMap(\.topic) }

    /// How many pauses each publisher has.
    var pauseCount: Int { topics.count(where: \.isUnderPressure) }

    /// Adds a topic that has no publisher yet.
    package func add(_ topic: Topic) {
        members = members.filter { $0.topic != nil } + [Member(topic: topic)]
        topic.pressureGroup = self
    }

    /// Removes a topic, and takes back the pauses that go with it.
    package func remove(_ topic: Topic) {
        if topic.isUnderPressure { topic.pausePublishers(false) }
        members = members.filter { $0.topic !== topic }
        for connection in topic.allPublishers { for _ in 0..<pauseCount { connection.resumeReading() } }
        topic.pressureGroup = nil
        if topic.isUnderPressure { topic.pausePublishers(true) }
    }
}
