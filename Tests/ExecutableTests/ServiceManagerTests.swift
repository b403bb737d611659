import Glibc
import Reactor
import TestSupport
import Testing

/// A service manager is told when the daemon serves, when it reads its configuration again, when it has begun to end, and that it still runs.
@Suite struct ServiceManagerTests {
    /// What a manager hears, and the environment by which a daemon finds it.
    private func manager(at name: String) throws -> (states: StreamReader, environment: String) {
        let manager = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
        try #require(manager >= 0)
        let states = StreamReader(takingOver: manager)
        let length = MemoryLayout<sa_family_t>.size + name.utf8.count
        let result = unsafe withErasedPointer(to: unixAddress(name), length: length) { unsafe bind(manager, $0, $1) }
        try #require(result == 0)
        return (states, "NOTIFY_SOCKET=\(name)")
    }

    @Test(arguments: [false, true]) func `hears READY=1 and STOPPING=1`(isAbstract: Bool) throws {
        let directory = try TemporaryDirectory()
        let (states, environment) = try manager(at: (isAbstract ? "@" : "") + directory.path + "/notify")
        try withDaemon(environment: [environment]) { daemon in
            let ready = Array("READY=1".utf8)
            #expect(try states.bytes(ready.count) == ready)
            _ = try daemon.connect()
            daemon.process.send(signal: SIGTERM)
            let stopping = Array("STOPPING=1".utf8)
            #expect(try states.bytes(stopping.count) == stopping)
        }
    }

    /// A manager of `Type=notify-reload` sends SIGHUP, and waits for the answer. Without a file, there is still what the options name.
    @Test(arguments: [false, true]) func `hears when it is reloading, and when it has done so`(hasFile: Bool) throws {
        let directory = try TemporaryDirectory()
        let (states, environment) = try manager(at: directory.path + "/notify")
        let file = TemporaryPath()
        try file.write("{}")
        try withDaemon(hasFile ? ["--config", file.path] : [], environment: [environment]) { daemon in
            #expect(try states.text(through: "READY=1") == "READY=1")
            for _ in 0..<2 {
                var before = timespec()
                unsafe clock_gettime(CLOCK_MONOTONIC, &before)
                daemon.process.send(signal: SIGHUP)
                let heard = try states.text(through: "READY=1")
                let match = try #require(heard.wholeMatch(of: #/RELOADING=1\nMONOTONIC_USEC=(\d+)READY=1/#), "\(heard)")
                // The manager takes the answer for an old one if it was given before the signal.
                #expect(Int(match.1)! >= before.tv_sec * 1_000_000 + before.tv_nsec / 1_000)
            }
            _ = try daemon.join(2)
        }
    }

    @Test func `may hear nothing: nobody waits for it, and it is told in the end`() throws {
        let directory = try TemporaryDirectory()
        let (states, environment) = try manager(at: directory.path + "/notify")
        let file = TemporaryPath()
        try file.write("{}")
        let arguments = ["--listen", "127.0.0.1:0", "--config", file.path]
        try withDaemon(arguments, environment: [environment, "WATCHDOG_USEC=2000"]) { daemon in
            // The queue of the manager's socket has room for some ten of these.
            for _ in 0..<30 {
                daemon.process.send(signal: SIGHUP)
                #expect(try daemon.process.error.line()?.hasSuffix("nothing was changed") == true)
            }
            let clients = try daemon.join(2)
            try clients[0].send("hello\n")
            #expect(try clients[1].receiveLine() == "hello")
            daemon.process.send(signal: SIGHUP)
            #expect(try daemon.process.error.line()?.hasSuffix("nothing was changed") == true)
            // What the queue had room for comes first, and what waited after that.
            var heard = ""
            try wait(for: "what waited") {
                heard += try states.text(through: "READY=1")
                return heard.matches(of: #/RELOADING/#).count > 9
            }
        }
    }

    // MARK: - The watchdog

    @Test func `hears that the loop turns, as long as it does`() throws {
        let directory = try TemporaryDirectory()
        let (states, environment) = try manager(at: directory.path + "/notify")
        try withDaemon(environment: [environment, "WATCHDOG_USEC=400000"]) { daemon in
            let start = ContinuousClock.now
            #expect(try states.text(through: "READY=1") == "READY=1")
            for _ in 0..<3 { #expect(try states.text(through: "WATCHDOG=1") == "WATCHDOG=1") }
            // At half the time, and not much sooner: the first 200 ms may have begun before the test has seen that it listens.
            #expect(start.duration(to: .now) >= .milliseconds(450))
            _ = try daemon.join(2)
        }
    }

    @Test func `does not watch another process than it says`() throws {
        let directory = try TemporaryDirectory()
        let (states, environment) = try manager(at: directory.path + "/notify")
        try withDaemon(environment: [environment, "WATCHDOG_USEC=2", "WATCHDOG_PID=1"]) { daemon in
            _ = try daemon.join(2)
            daemon.process.send(signal: SIGTERM)
            #expect(try states.text(through: "STOPPING=1") == "READY=1STOPPING=1")
        }
    }

    @Test(arguments: [
        ("WATCHDOG_USEC=soon", "WATCHDOG_USEC is 'soon', and not a number of microseconds"),
        ("WATCHDOG_USEC=0", "WATCHDOG_USEC is '0', and not a number of microseconds"),
        ("WATCHDOG_PID=me", "WATCHDOG_PID is 'me', and not the number of a process"),
    ])
    func `a watchdog that is asked for in vain`(variable: String, sentence: String) throws {
        let environment = ["NOTIFY_SOCKET=/no/such/socket", variable, "WATCHDOG_USEC=1000000"]
        let process = try ChildProcess(ChildProcess.pathOfExecutable("chatd"), ["--port", "0"], environment: environment)
        #expect(try process.error.all() == Array("chatd: \(sentence)\n".utf8))
        #expect(try process.waitForEnd() == .exit(EX_CONFIG))
    }

    // MARK: - The unit

    @Test(.enabled(if: ChildProcess.isInstalled("systemd-analyze"), "systemd is not installed"))
    func `the unit exposes little`() throws {
        let folder = #filePath.replacing(#/Tests/[^\/]+/[^\/]+$/#, with: "Docs")
        // In tenths: 1.5.
        let arguments = ["security", "--offline=true", "--no-pager", "--threshold=15", "\(folder)/chatd.service"]
        let process = try ChildProcess("systemd-analyze", arguments)
        let judgement = String(decoding: try process.output.all(), as: UTF8.self)
        #expect(judgement.contains("Overall exposure level for chatd.service: "), "\(judgement)")
        #expect(try process.waitForEnd() == .exit(0), "\(judgement)")
    }

    @Test func `one that is not there does no harm`() throws {
        try withDaemon(environment: ["NOTIFY_SOCKET=/no/such/socket"]) { daemon in _ = try daemon.join(2) }
    }
}
