import TestSupport
import Testing

@testable import chat

/// What a chat server tells is read as the protocol has it, and nothing that a server may send ends the client.
struct ChatEventTests {
    @Test func `every example of the protocol is read, with all that it has`() throws {
        let examples = try ChatDocuments.examples.get()
        #expect(examples.count > 15)
        for example in examples {
            let event = try #require(ChatEvent(example), "\(example)")
            let object = try JSONValue(example)
            #expect(event.kind.rawValue == object["type"]?.string)
            #expect(event.room == object["room"]?.string)
            #expect(event.from == object["from"]?.string)
            #expect(event.to == object["to"]?.string)
            #expect(event.text == object["text"]?.string)
            #expect(event.name == object["name"]?.string)
            #expect(event.sequence.map(Int.init) == object["seq"]?.integer)
            #expect(event.epoch.map(Int.init) == object["epoch"]?.integer)
            #expect(event.online.map(Int.init) == object["online"]?.integer)
            #expect(event.missed.map(Int.init) == object["missed"]?.integer)
            #expect(event.count.map(Int.init) == object["count"]?.integer)
            #expect(event.isReplayed == (object["replayed"] == .bool(true)))
            #expect((event.time == nil) == (object["time"] == nil))
            #expect(event.names == (object["names"]?.array ?? []).compactMap(\.string))
            #expect(event.rooms.map(\.name) == (object["rooms"]?.array ?? []).compactMap { $0["room"]?.string })
            #expect(
                event.rooms.map(\.online).map(Int.init) == (object["rooms"]?.array ?? []).compactMap { $0["online"]?.integer })
        }
    }

    @Test func `records are what has a number in a room, and messages are what somebody says`() throws {
        let examples = try ChatDocuments.examples.get().compactMap { ChatEvent($0) }
        let records: Set<ChatEvent.Kind> = [.message, .action, .join, .rename, .topic, .leave, .notice]
        for event in examples {
            #expect(event.isRecord == (event.sequence != nil && records.contains(event.kind)))
            #expect(event.isMessage == [.message, .action, .private].contains(event.kind))
        }
        #expect(Set(examples.filter(\.isRecord).map(\.kind)) == records)
    }

    @Test(arguments: [
        "", "{", "{}", "[]", "null", "7", #""message""#, #"{"type":7}"#, #"{"type":"tea"}"#, #"{"type":null}"#,
        #"{"type":"pong","type":"pong"}"#, #"{"type":"pong"} x"#, #"{"type":["pong"]}"#,
    ])
    func `what is no object, or of no known kind, is no event`(line: String) {
        #expect(ChatEvent(line) == nil)
    }

    @Test func `values of another kind are left out`() throws {
        let event = try #require(
            ChatEvent(
                """
                {"type":"message","room":7,"from":null,"text":["a"],"seq":-1,"epoch":1e3,"online":18446744073709551616,"missed":"1",\
                "count":1.5,"replayed":"true","time":"yesterday","names":["ana",7,null],"rooms":[{"room":"tea"},7,{"online":1}],"more":1}
                """))
        #expect((event.room, event.from, event.text, event.sequence) == (nil, nil, nil, nil))
        #expect((event.epoch, event.online, event.missed, event.count, event.time) == (nil, nil, nil, nil, nil))
        #expect(!event.isReplayed && !event.isPartial && event.rooms.isEmpty && event.names == ["ana"])
    }

    @Test func `times that there cannot be are none`() {
        for time in [
            "2026-13-01T00:00:00Z", "2026-02-30T00:00:00Z", "0000-00-00T00:00:00Z", "9999-99-99T99:99:99.999Z", "€€€€€€€", "Z",
        ] {
            #expect(ChatEvent(#"{"type":"pong","time":"\#(time)"}"#)?.time == nil, "\(time)")
        }
        #expect(ChatEvent(#"{"type":"pong","time":"1970-01-01T00:00:01.500Z"}"#)?.time == 1_500)
    }

    @Test func `random damage never ends the client`() throws {
        var generator = SeededGenerator()
        let examples = try ChatDocuments.examples.get()
        var text = EventText()
        (text.ownName, text.room) = ("ana", "lobby")
        var eventCount = 0
        for _ in 0..<20_000 {
            var bytes = Array((examples.randomElement(using: &generator) ?? "").utf8)
            for _ in 0..<Int.random(in: 0..<4, using: &generator) where !bytes.isEmpty {
                let position = Int.random(in: 0..<bytes.count, using: &generator)
                switch Int.random(in: 0..<4, using: &generator) {
                case 0: bytes[position] = .random(in: 0...255, using: &generator)
                case 1: bytes.remove(at: position)
                case 2:
                    bytes.insert(contentsOf: "\"\\{}[]:,-.0123456789eu".utf8.shuffled(using: &generator).prefix(2), at: position)
                default: bytes.append(contentsOf: bytes[position...])
                }
            }
            guard let event = ChatEvent(String(decoding: bytes, as: UTF8.self)) else { continue }
            eventCount += 1
            _ = text.lines(for: event)
            _ = (event.time, event.names, event.rooms, event.sequence, event.isRecord)
        }
        #expect(eventCount > 1_000)
    }

    @Test func `an object of very many keys takes no longer than its length`() {
        // A hostile server must not keep the client busy for hours.
        let keys = (0..<90_000).map { #""\#($0)":0"# }.joined(separator: ",")
        let start = ContinuousClock.now
        #expect(ChatEvent(#"{"type":"pong",\#(keys)}"#)?.kind == .pong)
        #expect(start.duration(to: .now) < patience)
    }
}
