import TestSupport
import Testing

@testable import ChatReactor

/// What a client asks or does within a text of IRC.
struct CTCPTests {
    @Test(
        arguments: [
            ("\u{1}ACTION waves\u{1}", "ACTION", "waves"), ("\u{1}ACTION waves", "ACTION", "waves"),
            ("\u{1}action  waves at ben \u{1}", "ACTION", " waves at ben "), ("\u{1}ACTION\u{1}", "ACTION", ""),
            ("\u{1}ACTION \u{1}", "ACTION", ""), ("\u{1}ACTION", "ACTION", ""), ("\u{1}VERSION\u{1}", "VERSION", ""),
            ("\u{1}PING 1 2\u{1}", "PING", "1 2"), ("\u{1}ACTION grüßt 你\u{1}", "ACTION", "grüßt 你"),
            ("\u{1}ACTION a\u{1}b\u{1}", "ACTION", "a\u{1}b"), ("\u{1}ACTION a\u{1}\u{1}", "ACTION", "a\u{1}"),
            ("\u{1}dcc\t x\u{1}", "DCC\t", "x"),
        ])
    func isRead(_ text: String, _ command: String, _ argument: String) throws {
        let ctcp = CTCP(text.utf8.span)
        let read = try #require(ctcp)
        #expect(read.command == command)
        #expect(read.argument == argument)
    }

    @Test(arguments: [
        "", "\u{1}", "\u{1}\u{1}", "\u{1} ", "\u{1} ACTION waves\u{1}", "ACTION waves\u{1}", "waves", " \u{1}ACTION a\u{1}",
    ])
    func isSaid(_ text: String) {
        let read = CTCP(text.utf8.span)
        #expect(read == nil)
    }

    @Test func bytesThatAreNoTextAreReplaced() {
        let text: [UInt8] = [1, 0x41, 0xFF, 0x20, 0xC3, 1]
        let read = CTCP(text.span)
        #expect(read?.command == "A\u{FFFD}")
        #expect(read?.argument == "\u{FFFD}")
    }

    @Test(arguments: ["waves", "", " waves ", "grüßt", "a\u{1}b", "\u{1}"])
    func anActionIsReadAgain(_ action: String) {
        var output = Array("PRIVMSG #tea :".utf8)
        let start = output.count
        CTCP.append(action: action.utf8.span, to: &output)
        #expect(String(decoding: output, as: UTF8.self) == "PRIVMSG #tea :\u{1}ACTION \(action)\u{1}")
        let read = CTCP(output.span.extracting(droppingFirst: start))
        #expect(read?.command == "ACTION")
        #expect(read?.argument == action)
    }
}
