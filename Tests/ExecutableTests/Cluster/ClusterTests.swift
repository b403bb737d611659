#if Redis
    import Glibc
    import Reactor
    import TestSupport
    import Testing

    /// `chatd --cluster`: relays of several machines, here processes, that are one, by a Redis that each test starts.
    @Suite(.enabled(if: RedisServer.isInstalled)) struct ClusterTests {
        private let password = TemporaryPath()

        /// A daemon that has reached the stream, on one loop at least.
        private func start(_ arguments: [String], environment: [String] = []) throws -> Daemon {
            let daemon = try Daemon(["--listen", "127.0.0.1:0"] + arguments, environment: environment)
            while let line = try daemon.process.error.line(), !line.contains("the stream is reached") {}
            return daemon
        }

        private func cluster(_ redis: RedisServer) -> [String] { ["--cluster", "unix:\(redis.path)/test"] }

        @Test(arguments: [["1", "1"], ["2", "3"]])
        func `two daemons are one relay, over TCP and in their sandbox, also after Redis was started again`(
            loops: [String]
        ) throws {
            let redis = try RedisServer(password: "tea & biscuits")
            try password.write("tea & biscuits\n")
            let place = "redis://localhost:\(redis.port)/test"
            let one = try start(["--cluster", place, "--cluster-password-file", password.path, "--loops", loops[0]])
            let other = try start(
                ["--cluster", place, "--loops", loops[1]], environment: ["CHATD_CLUSTER_PASSWORD=tea & biscuits"])
            let speaker = try one.join(1)[0]
            let listener = try other.join(1)[0]
            #expect(try speaker.receiveLine() == "joined")
            for _ in 0..<3 {
                try speaker.send("hello\n")
                #expect(try listener.receiveLine() == "hello")
                try listener.send("and you\n")
                #expect(try speaker.receiveLine() == "and you")
                redis.process.kill()
                try redis.restart()
            }
            try one.end()
            try other.end()
        }

        @Test func `a daemon that is killed disturbs nobody, and is one of them again`() throws {
            let redis = try RedisServer()
            let daemons = try (0..<3).map { _ in try start(cluster(redis)) }
            let clients = try daemons.map { try $0.connect() }
            // Each has joined once it has got a line.
            try wait(for: "all to be there") {
                for client in clients { try client.send("here\n") }
                return clients.allSatisfy { $0.lines.count >= 2 }
            }
            let victim = daemons[2]
            try clients[2].send("last words\n")
            for client in clients[..<2] { while try client.receiveLine() != "last words" {} }
            victim.process.kill()
            try clients[0].send("who is there\n")
            while try clients[1].receiveLine() != "who is there" {}
            let again = try start(cluster(redis))
            let late = try again.connect()
            try late.send("it is me\n")
            for client in clients[..<2] { while try client.receiveLine() != "it is me" {} }
            try clients[0].send("welcome\n")
            while try late.receiveLine() != "welcome" {}
        }

        @Test func `what was trimmed while a daemon stood still is counted`() throws {
            let redis = try RedisServer()
            let (one, other) = (try start(cluster(redis)), try start(cluster(redis)))
            let speaker = try one.join(1)[0]
            let (beside, listener) = (try one.connect(), try other.connect())
            try wait(for: "all to be there") {
                try speaker.send("here\n")
                return !beside.lines.isEmpty && !listener.lines.isEmpty
            }
            other.process.send(signal: SIGSTOP)
            // What comes first reaches it if its read waits already; all else is there for the next one alone.
            for number in 0..<10 {
                try speaker.send("\(number)\n")
                while try beside.receiveLine() != "\(number)" {}
            }
            try redis.command("XTRIM", "chatd:test", "MAXLEN", "0")
            other.process.send(signal: SIGCONT)
            try speaker.send("end\n")
            var lines: [String] = []
            while let line = try listener.receiveLine() {
                if line != "here" { lines.append(line) }
                if line == "end" { break }
            }
            let heard = lines.prefix { $0 == "0" }.count
            let lost = 10 - heard
            #expect(Array(lines.dropFirst(heard)) == ["! \(lost) messages were lost", "end"])
            // It was said on standard error, too.
            while let line = try other.process.error.line(), !line.contains("warning messages were lost count=\(lost)") {}
        }

        @Test func `the operator's lines, and what is counted`() throws {
            let redis = try RedisServer()
            let other = try start(cluster(redis))
            let daemon = try Daemon(
                ["--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0", "--console"] + cluster(redis), listeners: 2, input: .pipe)
            let place = try #require(daemon.addresses[1].firstMatch(of: #/:(\d+)\/metrics/#))
            let port = try #require(UInt16(place.1))
            func sample(_ name: String) throws -> Int? {
                let text = try Peer(port: port).ask("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")?.first?.content ?? ""
                return text.split(separator: "\n").first { $0.hasPrefix(name + " ") }.flatMap { Int($0.split(separator: " ")[1]) }
            }
            try wait(for: "the stream") { try sample("chatd_cluster_connected") == 1 }
            let listener = try other.join(1)[0]
            try daemon.process.write("tea is ready\n")
            #expect(try listener.receiveLine() == "tea is ready")
            #expect(try sample("chatd_cluster_entries_total{kind=\"written\"}") ?? 0 >= 2)
            #expect(try sample("chatd_cluster_entries_total{kind=\"read\"}") ?? 0 >= 2)
            #expect(try sample("chatd_cluster_outages_total") == 0 && sample("chatd_cluster_lost_messages_total") == 0)
            redis.process.kill()
            try wait(for: "the outage") { try sample("chatd_cluster_connected") == 0 }
            #expect(try sample("chatd_cluster_outages_total") == 1)
            try daemon.end()
        }

        @Test func `a password that is wrong is said as Redis says it`() throws {
            let redis = try RedisServer(password: "secret")
            let daemon = try Daemon(["--listen", "127.0.0.1:0", "--cluster", "redis://:wrong@127.0.0.1:\(redis.port)/test"])
            let line = try daemon.process.error.line() ?? ""
            #expect(line.contains(" warning the stream is away ") && line.contains("WRONGPASS"), "\(line)")
            #expect(!line.contains("wrong@") && line.contains("stream=redis://127.0.0.1:\(redis.port)/test"))
            try daemon.end()
        }

        @Test func `the password is not shown`() throws {
            let process = try ChildProcess(
                ChildProcess.pathOfExecutable("chatd"), ["--cluster", "redis://ana:tea4two@localhost/test", "--check-config"])
            let text = String(decoding: try process.output.all(), as: UTF8.self)
            #expect(text.contains("cluster: redis://ana@localhost:6379/test (option)\n") && !text.contains("tea4two"))
            #expect(try process.waitForEnd() == .exit(0))
        }

        @Test(arguments: [
            (["--chat", "--room-log", "/tmp"], "--room-log is for a chat of one machine, so --cluster does not go with it"),
            (["--chat", "--listen", "irc:127.0.0.1:0"], "a place for IRC is for a chat of one machine"),
            (["--chat", "--cluster-outage", "local"], "--cluster-outage local is for a relay"),
            (["--listen", "web:127.0.0.1:0"], "a relay with a place for the web is served by one machine"),
            (["--max-line", "2m"], "with --cluster a line has at most 1m"),
            (["--cluster", "redis://h"], "write redis://HOST:PORT/NAME, rediss://HOST:PORT/NAME or unix:PATH/NAME"),
            (["--cluster-tls-ca", "ca.pem"], "--cluster-tls-ca needs a --cluster of rediss:"),
            (["--cluster-length", "1"], "write a number from 100 to"),
        ])
        func `what does not go with it is refused`(arguments: [String], sentence: String) throws {
            let process = try ChildProcess(
                ChildProcess.pathOfExecutable("chatd"), ["--cluster", "redis://127.0.0.1/test"] + arguments)
            let text = String(decoding: try process.error.all(), as: UTF8.self)
            #expect(text.contains(sentence), "\(text)")
            #expect(try process.waitForEnd() == .exit(EX_USAGE))
        }

        @Test func `a file of a password that is not there`() throws {
            let arguments = ["--cluster", "redis://127.0.0.1/test", "--cluster-password-file", "/none"]
            let process = try ChildProcess(ChildProcess.pathOfExecutable("chatd"), arguments)
            let error = String(decoding: try process.error.all(), as: UTF8.self)
            #expect(error == "chatd: cannot read /none: No such file or directory\n")
            #expect(try process.waitForEnd() == .exit(EX_NOINPUT))
        }
    }
#endif
