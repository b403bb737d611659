import ChatLineEditing
import Testing

/// What a terminal sends, and the keys that this is.
struct Sent: Sendable, CustomTestStringConvertible {
    let bytes: String
    let keys: [Key]

    init(_ bytes: String, _ keys: Key...) {
        self.bytes = bytes
        self.keys = keys
    }

    var testDescription: String { bytes.debugDescription }
}

extension KeyDecoderTests {
    /// What no terminal does otherwise.
    static let common: [Sent] = [
        Sent("a", .text("a")), Sent("é", .text("é")), Sent("世界", .text("世界")), Sent("\u{1F469}\u{200D}\u{1F52C}", .text("👩‍🔬")),
        Sent("\r", .enter), Sent("\n", .enter), Sent("\t", .tab), Sent("\u{7F}", .backspace), Sent("\u{8}", .backspace),
        Sent("\0", .control("@")), Sent("\u{1}", .control("a")), Sent("\u{3}", .control("c")), Sent("\u{4}", .control("d")),
        Sent("\u{12}", .control("r")), Sent("\u{1A}", .control("z")), Sent("\u{1C}", .control("\\")),
        Sent("\u{1D}", .control("]")),
        Sent("\u{1E}", .control("^")), Sent("\u{1F}", .control("_")), Sent("\u{1B}", .escape), Sent("\u{1B}b", .alt("b")),
        Sent("\u{1B}\u{7F}", .alt("\u{7F}")), Sent("\u{1B}\u{8}", .alt("\u{7F}")), Sent("\u{1B}\r", .alt("\r")),
        Sent("\u{1B}.", .alt(".")), Sent("\u{1B}é", .alt("é")), Sent("\u{1B}😀", .alt("😀")),
        Sent("\u{1B}\u{1B}", .escape, .escape),
        Sent("\u{1B}\u{1B}b", .escape, .alt("b")),
        Sent("ab\u{1B}[Dc\r", .text("ab"), .left, .text("c"), .enter),
        Sent("\u{1B}[200~x\ry\u{1B}[201~", .paste("x\ny")), Sent("\u{1B}[201~", .unknown),
        // Cut off by another sequence, or by what no sequence has.
        Sent("\u{1B}[1;\u{1B}[A", .unknown, .up), Sent("\u{1B}[é", .unknown, .text("é")), Sent("\u{1B}[1\r", .unknown, .enter),
        Sent("\u{1B}O\u{3}", .unknown, .control("c")), Sent("\u{1B}]0;t\u{1B}[A", .unknown, .up),
        // Answers to questions, and reports, that nobody has asked for.
        Sent("\u{1B}[?62;1;6c", .unknown), Sent("\u{1B}[24;80R", .unknown), Sent("\u{1B}[?2026;2$y", .unknown),
        Sent("\u{1B}[I", .unknown), Sent("\u{1B}[O", .unknown), Sent("\u{1B}[<0;10;5M", .unknown), Sent("\u{1B}[M !\"", .unknown),
        Sent("\u{1B}]10;rgb:0/0/0\u{7}", .unknown), Sent("\u{1B}]11;rgb:0/0/0\u{1B}\\", .unknown),
        Sent("\u{1B}P>|XTerm(370)\u{1B}\\", .unknown), Sent("\u{1B}_Gi=31;OK\u{1B}\\", .unknown),
        // Numbers that are too large for anything.
        Sent("\u{1B}[99999999999999999999999999;99999999999999999~", .unknown), Sent("\u{1B}[1114112u", .unknown),
        Sent("\u{1B}[55296u", .unknown), Sent("\u{1B}[1;99999999999999999999D", .wordLeft),
    ]

    static let xterm: [Sent] = [
        Sent("\u{1B}[A", .up), Sent("\u{1B}[B", .down), Sent("\u{1B}[C", .right), Sent("\u{1B}[D", .left),
        Sent("\u{1B}OA", .up), Sent("\u{1B}OB", .down), Sent("\u{1B}OC", .right), Sent("\u{1B}OD", .left),
        Sent("\u{1B}[H", .home), Sent("\u{1B}[F", .end), Sent("\u{1B}OH", .home), Sent("\u{1B}OF", .end),
        Sent("\u{1B}[1;2D", .left), Sent("\u{1B}[1;3D", .wordLeft), Sent("\u{1B}[1;5D", .wordLeft),
        Sent("\u{1B}[1;6C", .wordRight),
        Sent("\u{1B}[1;3C", .wordRight), Sent("\u{1B}[1;5C", .wordRight), Sent("\u{1B}[1;9C", .wordRight),
        Sent("\u{1B}[1;5A", .up), Sent("\u{1B}[1;3B", .down), Sent("\u{1B}[1;5H", .home), Sent("\u{1B}[1;2F", .end),
        Sent("\u{1B}[3~", .delete), Sent("\u{1B}[3;2~", .delete), Sent("\u{1B}[3;5~", .alt("d")), Sent("\u{1B}[3;3~", .alt("d")),
        Sent("\u{1B}[2~", .unknown), Sent("\u{1B}[5~", .pageUp), Sent("\u{1B}[6~", .pageDown), Sent("\u{1B}[5;5~", .pageUp),
        Sent("\u{1B}[Z", .backTab), Sent("\u{1B}OP", .unknown), Sent("\u{1B}[15~", .unknown), Sent("\u{1B}[24;5~", .unknown),
        Sent("\u{1B}[1;5P", .unknown), Sent("\u{1B}OM", .enter),
        // With modifyOtherKeys, in both of its formats.
        Sent("\u{1B}[27;5;97~", .control("a")), Sent("\u{1B}[27;2;9~", .backTab), Sent("\u{1B}[27;3;98~", .alt("b")),
        Sent("\u{1B}[97;5u", .control("a")), Sent("\u{1B}[65;2u", .text("A")), Sent("\u{1B}[228;3u", .alt("ä")),
        Sent("\u{1B}[13;5u", .enter), Sent("\u{1B}[127;5u", .backspace), Sent("\u{1B}[127;3u", .alt("\u{7F}")),
        Sent("\u{1B}[9;2u", .backTab), Sent("\u{1B}[9u", .tab), Sent("\u{1B}[27u", .escape), Sent("\u{1B}[57358u", .unknown),
        Sent("\u{1B}[97:65;6:1u", .control("a")), Sent("\u{1B}[0u", .unknown), Sent("\u{1B}[155u", .unknown),
        Sent("\u{1B}[u", .unknown),
    ]

    static let vte: [Sent] = [
        Sent("\u{1B}[A", .up), Sent("\u{1B}[1;5C", .wordRight), Sent("\u{1B}[1;5D", .wordLeft), Sent("\u{1B}[1;3D", .wordLeft),
        Sent("\u{1B}[H", .home), Sent("\u{1B}[F", .end), Sent("\u{1B}[3~", .delete), Sent("\u{1B}[3;5~", .alt("d")),
        Sent("\u{1B}[5~", .pageUp), Sent("\u{1B}[6~", .pageDown), Sent("\u{1B}[Z", .backTab), Sent("\u{1B}[29~", .unknown),
    ]

    static let tmux: [Sent] = [
        Sent("\u{1B}[A", .up), Sent("\u{1B}OA", .up), Sent("\u{1B}OD", .left), Sent("\u{1B}[1~", .home), Sent("\u{1B}[4~", .end),
        Sent("\u{1B}[1;5D", .wordLeft), Sent("\u{1B}[1;3C", .wordRight), Sent("\u{1B}[3~", .delete), Sent("\u{1B}[5~", .pageUp),
        Sent("\u{1B}[6~", .pageDown), Sent("\u{1B}[Z", .backTab), Sent("\u{1B}\u{1B}[D", .wordLeft),
    ]

    static let console: [Sent] = [
        Sent("\u{1B}[A", .up), Sent("\u{1B}[B", .down), Sent("\u{1B}[C", .right), Sent("\u{1B}[D", .left),
        Sent("\u{1B}[1~", .home),
        Sent("\u{1B}[4~", .end), Sent("\u{1B}[2~", .unknown), Sent("\u{1B}[3~", .delete), Sent("\u{1B}[5~", .pageUp),
        Sent("\u{1B}[6~", .pageDown), Sent("\u{1B}[[A", .unknown), Sent("\u{1B}[[B", .unknown), Sent("\u{1B}[[E", .unknown),
        Sent("\u{1B}[17~", .unknown), Sent("\u{1B}[G", .unknown), Sent("\u{1B}\u{1B}[C", .wordRight),
        Sent("\u{1B}\t", .alt("\t")),
    ]

    static let rxvt: [Sent] = [
        Sent("\u{1B}[A", .up), Sent("\u{1B}[a", .up), Sent("\u{1B}[b", .down), Sent("\u{1B}[c", .right), Sent("\u{1B}[d", .left),
        Sent("\u{1B}Oa", .up), Sent("\u{1B}Ob", .down), Sent("\u{1B}Oc", .wordRight), Sent("\u{1B}Od", .wordLeft),
        Sent("\u{1B}\u{1B}[C", .wordRight), Sent("\u{1B}\u{1B}[D", .wordLeft), Sent("\u{1B}\u{1B}OD", .wordLeft),
        Sent("\u{1B}[7~", .home), Sent("\u{1B}[8~", .end), Sent("\u{1B}[7^", .home), Sent("\u{1B}[8$", .end),
        Sent("\u{1B}[3~", .delete),
        Sent("\u{1B}[3^", .alt("d")), Sent("\u{1B}[3$", .delete), Sent("\u{1B}[3@", .alt("d")), Sent("\u{1B}[5~", .pageUp),
        Sent("\u{1B}[6^", .pageDown), Sent("\u{1B}[Z", .backTab), Sent("\u{1B}[11~", .unknown),
        Sent("\u{1B}\u{1B}[3~", .alt("d")),
    ]
}
