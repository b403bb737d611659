import ChatReactor
import Testing

/// What the framings that come with the library answer to who asks them, as a framing of one's own that wraps one may.
struct FramingFunctionTests {
    @Test(
        "The extent of a first message, whatever follows it",
        arguments: [
            (.lines, "hello\nyou", .length(6)), (.lines, "hello", .unknown), (.lines, "\n", .length(1)),
            (.nulTerminated, "one\0two\0", .length(4)), (.nulTerminated, "\0", .length(1)), (.nulTerminated, "one", .unknown),
            (.lengthPrefixed(.oneByte), "\u{3}abcdef", .length(4)), (.lengthPrefixed(.oneByte), "\u{3}", .length(4)),
            (.lengthPrefixed(.twoBytes), "\0", .unknown), (.lengthPrefixed(.twoBytes), "\0\u{2}", .length(4)),
            (.lengthPrefixed(.fourBytes), "\0\0\u{1}", .unknown), (.lengthPrefixed(.fourBytes), "\0\0\u{1}\0", .length(260)),
        ] as [(any Framing, String, MessageExtent)])
    func extents(framing: any Framing, text: String, extent: MessageExtent) {
        let bytes = Array(text.utf8)
        #expect(framing.extent(of: bytes) == extent)
    }

    @Test(
        "The content of a message is what is neither header nor terminator",
        arguments: [
            (.lines, "hello\n", "hello"), (.lines, "hello\r\n", "hello"), (.nulTerminated, "one\0", "one"),
            (.lengthPrefixed(.oneByte), "\u{1}a", "a"), (.lengthPrefixed(.twoBytes), "\0\u{1}a", "a"),
            (.lengthPrefixed(.fourBytes), "\0\0\0\0", ""), (.chunks, "a\n", "a\n"),
        ] as [(any Framing, String, String)])
    func contents(framing: any Framing, message: String, content: String) {
        let bytes = Array(message.utf8)
        #expect(Array(bytes[framing.content(of: bytes)]) == Array(content.utf8))
        #expect(bytes.count - content.utf8.count <= framing.maximumEnvelopeLength)
    }

    @Test(
        "A search for the terminator may begin where it has ended before",
        arguments: [LineFraming(), NULTerminatedFraming()] as [any Framing])
    func seen(framing: any Framing) {
        let terminator: UInt8 = framing is LineFraming ? 10 : 0
        let bytes = [UInt8](repeating: 65, count: 20) + [terminator]
        #expect((0...20).allSatisfy { framing.extent(of: bytes, seen: $0) == .length(21) })
    }
}
