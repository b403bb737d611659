@testable import ChatReactor

extension ChatModel {
    /// What one client is to get, and whether what comes is that.
    ///
    /// Some lines do not say enough: a gap may be one of a history, or of what is live beside it, and of lines that were due, or of older
    /// ones. So it is kept in every way in which what has come can be read, until what comes next tells. It is wrong if there is none.
    final class Member {
        let number: Int
        var name: String
        var isJSON = false
        /// What it is to get, if it has an IRC client.
        var irc: IRCReader?
        var rooms: [Room] = []
        var ignored: Set<String> = []
        var lastWriter: Member?
        var hasVanished = false
        var hasQuit = false
        var isClosed = false
        /// Whether it has been told that it is too slow, and is closed: nothing comes afterwards.
        private(set) var hasGoodbye = false
        private(set) var checkedLines = 0
        private(set) var replayedLines = 0
        private(set) var gaps = 0

        /// The newest ones, for the report of what is wrong.
        private var lastLines: [String] = []
        private var readings = [Reading()]
        private var streamCount = 0

        init(_ number: Int) {
            self.number = number
            name = "guest\(number)"
        }

        var key: String { ChatModel.key(name) }

        // MARK: - What is due

        private func expect(_ change: (inout Reading) -> Void) {
            for index in readings.indices { change(&readings[index]) }
        }

        func reply(_ reply: Kind) { expect { $0.reply(reply, isJSON: isJSON) } }

        func hearPrivately(from: String, to: String, _ text: String) { hearAside(.private(from: from, to: to, text)) }

        /// It is told what another has done, which may come before what answers its own commands, or amid that.
        func hearAside(_ kind: Kind) {
            expect { $0.privateLines.append(Reply(kind: kind, isJSON: isJSON, closed: [])) }
        }

        /// Whether others know of it.
        var isThere: Bool { !hasVanished && irc?.isRegistered != false }

        func hear(_ entry: Entry, in room: Room) { expect { $0.hear(entry, in: room) } }

        func open(_ room: Room, _ replay: Replay) {
            streamCount += 1
            let stream = Stream(streamCount, of: room, isJSON: isJSON)
            var replay = replay
            replay.opened = stream.number
            expect { reading in
                reading.live.append(stream)
                reading.reply(.replay(replay), isJSON: isJSON)
            }
        }

        /// The client is told of the past, beside what is live.
        func replay(_ replay: Replay, of room: Room) {
            var replay = replay
            replay.end = room.lastSequence
            reply(.replay(replay))
        }

        /// The room is left: what of it has not come yet may be missing, and must not come once the answer has.
        func close(_ room: Room) { expect { $0.close(room) } }

        func abandonHistory(of room: Room) { expect { $0.abandonHistory(of: room) } }

        /// Somebody who is ignored has this name now. Whether what is being read from records has it left out is not known.
        func goOnToIgnore(_ name: String) {
            if ignored.insert(name).inserted { expect { $0.makeOptional(from: name) } }
        }

        /// An error may come that the model does not expect: for a line that is no command.
        func allowError() { expect { $0.allowedErrors += 1 } }

        /// So many gaps of unknown size may come: a program is told so if what it was told as text ends with one.
        func allowUnknownGaps(_ count: Int) { expect { $0.allowedUnknownGaps += count } }

        /// What has not come yet, though nothing keeps it from coming; nil if all has.
        var lacking: String? {
            if let irc { return irc.lacking }
            let all = readings.flatMap(\.withHistoriesOver).map(\.lacking)
            return all.contains(nil) ? nil : all[0]
        }

        // MARK: - What comes

        func check(_ line: String) throws {
            checkedLines += 1
            if let irc {
                do { try irc.check(line) } catch let broken as Broken { throw Broken("\(name): \(broken.what)") }
                return
            }
            // Of one room; what has been said in the others until then still comes.
            if hasGoodbye, !isJSON { throw Broken("'\(line)' comes after the goodbye") }
            let received = try Received(line)
            lastLines = lastLines.suffix(9) + [line]
            if received.isReplayed { replayedLines += 1 }
            if received.missed != nil { gaps += 1 }
            if received.isGoodbye {
                hasGoodbye = true
                return
            }
            var seen: Set<[UInt64]> = []
            let next = readings.flatMap(\.withHistoriesOver).flatMap { $0.after(received) }.filter {
                seen.insert($0.place).inserted
            }
            if next.isEmpty {
                throw Broken(
                    "\(name), who ignores \(ignored), gets '\(line)'; it should get \(readings[0]), in the first of \(readings.count) "
                        + "readings; the last lines are \(lastLines)")
            }
            readings = next
        }
    }
}
