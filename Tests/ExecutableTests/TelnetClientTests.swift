import TestSupport
import Testing

/// telnet(1) talks with chatd as it is: what it sends besides text reaches nobody, and it is answered.
@Suite(.enabled(if: ChildProcess.isInstalled("telnet"))) struct TelnetClientTests {
    @Test func `after Ctrl-C, telnet still shows what the others say`() throws {
        try withDaemon { daemon in
            let peer = try daemon.join(1)[0]
            let telnet = try ChildProcess(
                "telnet", ["127.0.0.1", "\(daemon.port)"], input: .terminal, output: .terminal, error: .terminal)
            try telnet.output.text(through: "Escape character is '^]'.\r\n")
            try telnet.write("hello\n")
            #expect(try peer.receiveLine() == "hello")
            try telnet.write("\u{3}")
            try telnet.write("still here\n")
            #expect(try peer.receiveLine() == "still here")
            try peer.send("and heard\n")
            try telnet.output.text(through: "and heard\r\n")
        }
    }
}
