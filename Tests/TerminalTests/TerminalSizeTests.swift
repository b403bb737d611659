import Testing

@testable import ChatTerminal

@Suite struct TerminalSizeTests {
    @Test(arguments: [
        (
            reported: TerminalSize(columns: 100, rows: 30), columns: "20" as String?, lines: "10" as String?,
            size: TerminalSize(columns: 100, rows: 30)
        ),
        (TerminalSize(columns: 0, rows: 0), "20", "10", TerminalSize(columns: 20, rows: 10)),
        (TerminalSize(columns: 0, rows: 30), nil, "10", TerminalSize(columns: 80, rows: 30)),
        (TerminalSize(columns: 0, rows: 0), nil, nil, TerminalSize(columns: 80, rows: 24)),
        (TerminalSize(columns: 0, rows: 0), "0", "-1", TerminalSize(columns: 80, rows: 24)),
        (TerminalSize(columns: 0, rows: 0), "99999999999999999999", "wide", TerminalSize(columns: 80, rows: 24)),
    ])
    func `what the terminal does not say, the environment says`(
        reported: TerminalSize, columns: String?, lines: String?, size: TerminalSize
    ) {
        #expect(TerminalSize(reported: reported, columns: columns, lines: lines) == size)
    }

    @Test(arguments: [("xterm-256color", true), ("linux", true), ("dumb", false), ("emacs", false), ("", false), (nil, false)])
    func `not every terminal moves its cursor`(type: String?, canRedraw: Bool) {
        #expect(Terminal.canRedraw(type) == canRedraw)
    }
}
