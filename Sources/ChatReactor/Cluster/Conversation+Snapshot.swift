/// What another server is told of a room, and is made of that.
extension Conversation {
    /// - Parameter nextSequence: The number of the first record that follows.
    func image(nextSequence: UInt64) -> ChatSnapshot.Room {
        .init(
            name: name.text, epoch: records.epoch, nextSequence: nextSequence, topic: topicText, topicSetter: topicSetter,
            topicTime: topicTime, key: ownKey, crowd: presence.crowd,
            invitedNames: invitations.names.keys.sorted { $0.folded < $1.folded }.map(\.text))
    }

    /// The newest records, in pieces of moderate size.
    func recentRecords(
        atMost limit: Int
    ) -> (firstSequence: UInt64, size: Int, pieces: [[ChatSnapshot.RecordImage]]) {
        var (count, size) = (0, 0)
        let place = records.place(before: records.end) { record in
            let length = record.withContent { $0.count &+ $1.count } &+ 32
            guard size &+ length <= limit else { return false }
            (count, size) = (count + 1, size &+ length)
            return true
        }
        var pieces: [[ChatSnapshot.RecordImage]] = []
        var pieceSize = ChatSnapshot.partSize
        records.read(from: place) { record in
            let image = record.withContent { from, text in
                ChatSnapshot.RecordImage(
                    kind: record.kind.rawValue, time: record.time, online: record.online, from: Array(span: from),
                    text: Array(span: text))
            }
            if pieceSize >= ChatSnapshot.partSize {
                pieces.append([])
                pieceSize = 0
            }
            pieces[pieces.count - 1].append(image)
            pieceSize += image.size
            return true
        }
        return (records.nextSequence &- UInt64(count), size, pieces)
    }

    func restore(_ image: ChatSnapshot.Room) {
        records.restart(epoch: image.epoch, nextSequence: image.nextSequence)
        setTopic(image.topic, by: image.topicSetter, at: image.topicTime)
        presence.crowd = image.crowd
        for name in image.invitedNames { invitations.restore(ChatName(unchecked: name)) }
    }

    func restore(_ record: ChatSnapshot.RecordImage) {
        guard let kind = Record.Kind(rawValue: record.kind) else { return }
        records.append(kind, from: record.from.span, text: record.text.span, time: record.time, online: record.online)
    }
}
