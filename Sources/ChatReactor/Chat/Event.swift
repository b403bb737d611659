extension ChatServer {
    /// Something that has happened in a room of a chat, for ``ChatServerObserver``.
    ///
    /// Its description is the line that people in the room get, without the newline.
    public struct Event: CustomStringConvertible {
        /// What has happened.
        @nonexhaustive
        public enum Kind: Sendable {
            /// `name` has said `text`.
            case message
            /// `name` does `text`.
            case action
            /// `name` has come into the room. Not each of a crowd: if more than five come or leave within a second, one notice counts the
            /// others. `server(_:didAccept:)` and `server(_:didClose:reason:)` tell of each client.
            case join
            /// `name` has left the room; `text` is why. The same is so of a crowd.
            case leave
            /// `name` is called `text` from now on.
            case rename
            /// `name` has set the topic of the room to `text`.
            case topic
            /// The server says `text`.
            case notice
        }

        /// What has happened.
        public let kind: Kind
        private let recordKind: Record.Kind
        /// Where it has happened.
        public let room: Room
        /// Who did it; nil if the server or a bot did.
        public let person: Person?
        /// The name of who did it; empty if the server did.
        public let name: String
        /// What was said, in valid UTF-8 and without control characters. Several lines are one.
        public let text: String
        /// How many people are in the room now, for those kinds that change it; otherwise 0.
        public let online: Int

        init(_ kind: Record.Kind, in room: Room, by person: Person?, name: String, text: Span<UInt8>, online: Int) {
            self.kind =
                switch kind {
                case .message: .message
                case .action: .action
                case .join: .join
                case .leave: .leave
                case .rename: .rename
                case .topic: .topic
                case .notice: .notice
                }
            recordKind = kind
            self.room = room
            self.person = person
            self.name = name
            self.text = text.isSeveralLines ? String(decoding: Array(span: text).inOneLine, as: UTF8.self) : String(text)
            self.online = online
        }

        public var description: String {
            var line: [UInt8] = []
            let content = Array((name + text).utf8)
            unsafe content.withUnsafeBufferPointer { content in
                guard let start = content.baseAddress else { return }
                let fromLength = name.utf8.count
                let record = unsafe Record(
                    sequence: 0, time: 0, kind: recordKind, online: Int32(clamping: online), content: start,
                    fromLength: fromLength, textLength: content.count &- fromLength)
                TextForm(label: room.server?.chat?.label ?? .name).encode(record, isReplayed: false, to: &line)
            }
            return String(decoding: line.dropLast(), as: UTF8.self)
        }
    }
}
