import Glibc
import TestSupport
import Testing

@testable import chat

/// How `chat` logs in, and what it keeps of a password: nothing that anybody reads.
@Suite struct ChatLoginTests {
    @Test func `a login is known by its command`() {
        #expect(Credentials("/LOGIN ana open sesame") == Credentials(name: "ana", password: "open sesame"))
        #expect(Credentials("/login ana") == nil && Credentials("//login ana x") == nil && Credentials("login ana x") == nil)
        #expect(Credentials.areIn("/login") && Credentials.areIn("/login\tana x") && !Credentials.areIn("/logins ana x"))
        // A server refuses these, and they have the password all the same.
        for line in [" /login ana x", "login ana x", "//login ana x", "/ LOGIN ana x"] {
            #expect(Credentials.areIn(line), "\(line)")
        }
        #expect(!Credentials.areIn("the login ana x") && !Credentials.areIn(""))
        #expect(
            Credentials.shown("/login ana open sesame") == "/login ana ***" && Credentials.shown("/login ana") == "/login ana")
    }

    @Test func `so is the key of a room, which a talk about joining has not`() {
        let lines = [
            "/join tea key", "/JOIN #tea\tkey of words", "/resume tea 7 11 key", " /join tea key", "\t /JOIN tea key",
            "  /resume tea 7 11 key",
            // A mark that follows a space makes one character with it.
            "/join tea \u{301}key", "/login \u{301}ana x", "/join \u{301}tea key",
        ]
        for line in lines {
            #expect(Credentials.areIn(line), "\(line)")
        }
        for line in [
            "/join tea", "join the tea party", "//join tea key", "/resume tea 7 11", " //join tea key", " join tea key",
            " /join tea",
        ] {
            #expect(!Credentials.areIn(line), "\(line)")
        }
        #expect(Credentials.shown("/join tea key of words") == "/join tea ***")
    }

    @Test func `a login is sent again after a break, whatever else was refused meanwhile`() throws {
        let server = try PlayedServer()
        let chat = try startChat(["\(server.address)", "--plain"], input: .terminal, output: .terminal, error: .terminal)
        let first = try PlayedChat(accepting: server)
        #expect(try first.commands(1) == ["/json"])
        try first.enter(sequence: 10)
        try chat.write("/nobody\n/login ana open sesame\n")
        #expect(try first.commands(2) == ["/nobody", "/login ana open sesame"])
        // The answer to what came before, and one to nothing.
        for text in ["there is no /nobody", "you are muted"] { try first.tell("'type':'error','text':'\(text)'") }
        try first.tell("'type':'notice','text':'you are logged in as ana','name':'ana','login':true")
        try chat.output.text(through: "you are logged in as ana\r\n")
        try first.end()
        let second = try PlayedChat(accepting: server, name: "guest2")
        #expect(try second.commands(2) == ["/json", "/login ana open sesame"])
        // Nobody forgets it because another login was refused.
        try second.tell("'type':'notice','text':'you are logged in as ana','name':'ana','login':true")
        try second.enter(name: "ana", sequence: 10)
        try second.pong()
        try chat.output.text(through: "connected again\r\n")
        try chat.write("/login ben x\n")
        #expect(try second.commands(2).last == "/login ben x")
        try second.tell("'type':'error','text':'that is not the password of that name'")
        try chat.output.text(through: "that is not the password")
        try second.end()
        let third = try PlayedChat(accepting: server, name: "guest3")
        #expect(try third.commands(2) == ["/json", "/login ana open sesame"])
    }

    private static let right = "'type':'notice','text':'you are logged in as ana','name':'ana','login':true"
    private static let refusal = "'type':'error','text':'that is not the password of that name','login':false"
    private static let other = "'type':'error','text':'you are muted'"

    @Test(arguments: [
        (["/login ana wrong", "/login ana right"], [refusal, right]),
        (["/login ana right", "/login ana wrong"], [right, refusal]),
        // An error that is no answer to a login.
        (["/nobody", "/login ana wrong", "/login ana right"], [other, refusal, other, right]),
        (["/login ana right", "/nobody", "/login ana wrong"], [other, right, other, refusal]),
        // These have no password, or one for another name, and an answer all the same.
        (["/login ana", "/LOGIN ben x", "/login ana right", "/login ben y"], [refusal, refusal, right, refusal]),
        // A server that did not say which error answers a login.
        (["/login ben x", "/login ana right"], [other, right]),
    ])
    func `of logins that are sent before the first is answered, the one that was right is kept`(
        lines: [String], answers: [String]
    )
        throws
    {
        let server = try PlayedServer()
        let chat = try startChat(["\(server.address)", "--plain"], input: .terminal, output: .terminal, error: .terminal)
        let first = try PlayedChat(accepting: server)
        #expect(try first.commands(1) == ["/json"])
        try first.enter(sequence: 10)
        try chat.write(lines.map { "\($0)\n" }.joined())
        #expect(try first.commands(lines.count) == lines)
        for answer in answers { try first.tell(answer) }
        try first.say(11, "all of it")
        try chat.output.text(through: "ben: all of it")
        try first.end()
        let second = try PlayedChat(accepting: server, name: "guest2")
        #expect(try second.commands(2) == ["/json", "/login ana right"])
    }

    @Test func `a login that is refused says nothing of what was said after it`() throws {
        let server = try PlayedServer()
        let chat = try startChat(["\(server.address)", "--plain"], input: .terminal, output: .terminal, error: .terminal)
        let first = try PlayedChat(accepting: server)
        #expect(try first.commands(1) == ["/json"])
        try first.enter(sequence: 10)
        try chat.write("/login ana wrong\nhello\n /login ana open sesame\n")
        #expect(try first.commands(3) == ["/login ana wrong", "hello", " /login ana open sesame"])
        try first.tell(Self.refusal)
        try chat.output.text(through: "that is not the password")
        try first.end()
        let second = try PlayedChat(accepting: server, name: "guest2")
        #expect(try second.commands(1) == ["/json"])
        try second.enter(name: "guest2", sequence: 10)
        try second.pong()
        let notes = try chat.output.text(through: "perhaps not sent: /login ana ***")
        #expect(notes.contains("perhaps not sent: hello") && !notes.contains("sesame"))
    }

    @Test func `without TLS, a password is sent to no other machine`() throws {
        // An address for documentation: nobody is asked, or the test would wait for it.
        let chat = try ChildProcess(
            ChildProcess.pathOfExecutable("chat"), ["--login", "ana", "192.0.2.1:3001"],
            environment: ["CHAT_PASSWORD=open sesame"],
            error: .pipe)
        #expect(try chat.waitForEnd() == .exit(EX_NOPERM))
        let words = String(decoding: try chat.error.all(), as: UTF8.self)
        #expect(words.hasPrefix("chat: cannot log in without TLS: ") && words.contains("192.0.2.1") && !words.contains("sesame"))
    }

    @Test func `at a terminal, a password is on no screen and in no history, and is sent again after a break`() throws {
        let (passwords, folder, path) = (TemporaryPath(), try TemporaryDirectory(), TemporaryPath())
        let setter = try ChildProcess(
            ChildProcess.pathOfExecutable("chatd"), ["passwd", "--password-file", passwords.path, "ana"], input: .pipe)
        try setter.write("open sesame\n")
        setter.closeInput()
        #expect(try setter.waitForEnd() == .exit(0))
        let arguments = [
            "--listen", "unix:\(path.path)", "--chat", "--name", "tea", "--password-file", passwords.path, "--require-login",
        ]
        let daemon = try Daemon(arguments)
        let chat = try ChildProcess(
            ChildProcess.pathOfExecutable("chat"), ["--no-color", "unix:\(path.path)"],
            environment: ["XDG_STATE_HOME=\(folder.path)", "TERM=xterm"], input: .terminal, output: .terminal)
        defer { chat.kill() }
        var screen = try chat.output.text(through: "log in by /login NAME PASSWORD")
        try chat.write("/login ana open sesame\r")
        screen += try chat.output.text(through: "you are logged in as ana")
        #expect(screen.contains("> /login ana ***\r\n"))
        try chat.write("/join tea leaves\r")
        screen += try chat.output.text(through: "you are in tea")
        #expect(screen.contains("> /join tea ***\r\n") && !screen.contains("leaves\r\n"))
        try chat.write(" /join tea leaves\r")
        screen += try chat.output.text(through: "begin the line with /join")
        #expect(!screen.contains("leaves\r\n"))
        try chat.write("hello\r")
        screen += try chat.output.text(through: "ana: hello")
        // What was sent before that is recalled, and it is no password.
        try chat.write("\u{1B}[A\u{1B}[A!\r")
        screen += try chat.output.text(through: "ana: hello!")
        daemon.process.send(signal: SIGTERM)
        #expect(try daemon.process.waitForEnd() == .exit(0))
        screen += try chat.output.text(through: "connection lost")
        let again = try Daemon(arguments)
        screen += try chat.output.text(through: "connected again")
        #expect(screen.contains("you are logged in as ana"))
        try chat.write("/quit\r")
        #expect(try chat.waitForEnd() == .exit(0))
        let file = unsafe open("\(folder.path)/chat/history", O_RDONLY | O_CLOEXEC)
        let history = String(decoding: try StreamReader(takingOver: file).all(), as: UTF8.self)
        #expect(history == "hello\nhello!\n/quit\n")
        again.process.send(signal: SIGTERM)
    }

    @Test func `a script logs in by a file or the environment, and is refused with a wrong password`() throws {
        let (passwords, secret) = (TemporaryPath(), TemporaryPath())
        let setter = try ChildProcess(
            ChildProcess.pathOfExecutable("chatd"), ["passwd", "--password-file", passwords.path, "ana"], input: .pipe)
        try setter.write("open sesame\n")
        setter.closeInput()
        #expect(try setter.waitForEnd() == .exit(0))
        try withDaemon(
            ["--listen", "127.0.0.1:0", "--chat", "--name", "tea", "--password-file", passwords.path, "--require-login"]
        ) { daemon in
            for (text, environment, end) in [
                ("open sesame\n", [], ChildProcess.End.exit(0)), ("x\n", ["CHAT_PASSWORD=open sesame"], .exit(0)),
                ("wrong\n", [], .exit(EX_NOPERM)),
            ] {
                try secret.write(text)
                let process = try ChildProcess(
                    ChildProcess.pathOfExecutable("chat"),
                    ["--login", "ana", "--password-file", secret.path, "--send", "hello", daemon.address],
                    environment: environment)
                let said = String(decoding: try process.output.all() + process.error.all(), as: UTF8.self)
                #expect(try process.waitForEnd() == end, "\(text) \(environment): \(said)")
                #expect(!said.contains("sesame"))
            }
            let ben = try daemon.connect()
            try ben.send("/login ana open sesame\n")
            let lines = try ben.receiveLines(5)
            #expect(lines.count { $0.hasSuffix("ana: hello") } == 2, "\(lines)")
        }
    }
}
