#if Redis
    import Glibc
    import Reactor
    import TestSupport
    import Testing

    /// `chatd --chat --cluster`: chats of several machines, here processes, that are one.
    @Suite(.enabled(if: RedisServer.isInstalled), .beyondPatience) struct ChatClusterTests {
        /// A daemon whose servers, one for each of its loops, are among those of the chat.
        private func start(
            _ redis: RedisServer, loops: Int = 1, _ arguments: [String] = [], listeners: Int = 1
        ) throws -> Daemon {
            let daemon = try Daemon(
                [
                    "--listen", "127.0.0.1:0", "--chat", "--cluster", "unix:\(redis.path)/test", "--line-rate", "100000",
                    "--loops", "\(loops)",
                ] + arguments,
                listeners: listeners)
            for _ in 0..<loops { try awaitChat(daemon) }
            return daemon
        }

        private func awaitChat(_ daemon: Daemon) throws {
            while let line = try daemon.process.error.line(), !line.contains("the chat is one with") {}
        }

        private func join(_ daemon: Daemon, as name: String) throws -> Peer {
            let peer = try daemon.connect()
            while let line = try peer.receiveLine(), !line.hasPrefix("* welcome") {}
            try peer.send("/nick \(name)\n")
            while let line = try peer.receiveLine(), line != "* you are now \(name)" {}
            return peer
        }

        private func line(of peer: Peer, _ isMeant: (String) -> Bool) throws -> String {
            while let line = try peer.receiveLine() { if isMeant(line) { return line } }
            return "the end"
        }

        @Test(arguments: [1, 2])
        func `people of three daemons are in one chat, in their sandbox`(loops: Int) throws {
            let redis = try RedisServer()
            let daemons = try (0..<3).map { _ in try start(redis, loops: loops) }
            let (ana, ben, cleo) = (
                try join(daemons[0], as: "ana"), try join(daemons[1], as: "ben"), try join(daemons[2], as: "cleo")
            )
            try ana.send("/join tea\n/topic biscuits\n")
            #expect(try line(of: ana) { $0.hasPrefix("* the topic") } == "* the topic is: biscuits")
            try ben.send("/join tea\nhello\n/who\n")
            #expect(try line(of: ben) { $0.hasPrefix("* welcome to tea") || $0.contains("biscuits") }.contains("biscuits"))
            #expect(try line(of: ana) { $0.hasSuffix("hello") } == "ben: hello")
            #expect(try line(of: ben) { $0.hasPrefix("* in tea") } == "* in tea: ana, ben")
            try cleo.send("/rooms\n/nick ana\n/msg ben psst\n")
            #expect(try line(of: cleo) { $0.hasPrefix("! ") } == "! somebody else has that name")
            #expect(try line(of: ben) { $0.hasSuffix("psst") } == "cleo to you: psst")
            for daemon in daemons { try daemon.end() }
        }

        @Test(arguments: [1, 2])
        func `who is at a daemon that ends or is killed leaves, and goes on at another where it has stopped`(loops: Int) throws {
            let redis = try RedisServer()
            let daemons = try (0..<3).map { _ in try start(redis, loops: loops) }
            let ana = try join(daemons[0], as: "ana")
            let (ben, cleo) = (try join(daemons[1], as: "ben"), try join(daemons[2], as: "cleo"))
            try cleo.send("/json\n")
            let welcome = try JSONValue(try line(of: cleo) { $0.contains("\"welcome\"") })
            try ana.send("one\ntwo\nthree\n")
            let three = try JSONValue(try line(of: cleo) { $0.contains("three") })
            #expect(try line(of: ben) { $0.hasSuffix("three") } == "ana: three")
            try daemons[1].end()
            #expect(try line(of: ana) { $0.contains("ben left") } == "* ben left: shutdown (2 online)")
            daemons[2].process.kill()
            try ana.send("four\n")
            #expect(try line(of: ana) { $0.contains("cleo left") } == "* cleo left: lost (1 online)")
            // It comes back, under its name, to another daemon, and is told what it has missed, and nothing else.
            let again = try join(daemons[0], as: "cleo")
            let (epoch, sequence) = (welcome["epoch"]?.integer ?? 0, three["seq"]?.integer ?? 0)
            try again.send("/resume lobby \(epoch) \(sequence)\n/history 4\n")
            let first = try line(of: again) { $0.hasSuffix(": four") || $0.contains("missing") || $0.hasSuffix(": three") }
            #expect(first.hasSuffix("ana: four"))
            try daemons[0].end()
        }

        @Test(arguments: [1, 2])
        func `a daemon that does not reach the others lets nobody in, and says that it is not ready`(loops: Int) throws {
            let redis = try RedisServer()
            let daemon = try start(redis, loops: loops, ["--metrics", "127.0.0.1:0", "--cluster-grace", "1s"], listeners: 2)
            let place = try #require(daemon.addresses[1].firstMatch(of: #/:(\d+)\/metrics/#))
            let port = try #require(UInt16(place.1))
            func status(_ path: String) throws -> String {
                let peer = try Peer(port: port)
                try peer.send("GET \(path) HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
                return try peer.receiveLine() ?? ""
            }
            #expect(try status("/readyz").contains("200"))
            let ana = try join(daemon, as: "ana")
            redis.process.kill()
            #expect(try line(of: ana) { $0.hasPrefix("! ") } == "! goodbye: this server has lost the others; connect again")
            #expect(try status("/readyz").contains("503"))
            let ben = try daemon.connect()
            #expect(try ben.receiveLine() == "! this server does not reach the others now, try again later")
            try redis.restart()
            for _ in 0..<loops { try awaitChat(daemon) }
            #expect(try status("/readyz").contains("200"))
            _ = try join(daemon, as: "ana")
            try daemon.end()
        }

        @Test func `a ban that others have holds on all loops of a daemon that comes later`() throws {
            let redis = try RedisServer()
            let control = TemporaryPath()
            let other = try start(redis, ["--control", "unix:\(control.path)"])
            let arguments = ["ctl", "--control", "unix:\(control.path)", "ban", "mallory"]
            #expect(try ChildProcess(ChildProcess.pathOfExecutable("chatd"), arguments).waitForEnd() == .exit(0))
            let passwords = TemporaryPath()
            try passwords.write("ana:$2b$05$\(String(repeating: "a", count: 53))\n")
            let daemon = try start(redis, loops: 3, ["--password-file", passwords.path])
            for _ in 0..<3 {
                let peer = try daemon.connect()
                _ = try line(of: peer) { $0.hasPrefix("* welcome") }
                try peer.send("/nick mallory\n")
                #expect(try line(of: peer) { $0.hasPrefix("! ") || $0.contains("mallory") } == "! that name is banned")
            }
            for daemon in [daemon, other] { try daemon.end() }
        }

        @Test func `a daemon that cannot start is none of the servers`() throws {
            let redis = try RedisServer()
            let taken = try Daemon(["--listen", "127.0.0.1:0"])
            let failing = try ChildProcess(
                ChildProcess.pathOfExecutable("chatd"),
                [
                    "--listen", "127.0.0.1:\(taken.port)", "--chat", "--loops", "3", "--cluster", "unix:\(redis.path)/test",
                ])
            #expect(try failing.waitForEnd() == .exit(EX_UNAVAILABLE))
            #expect(try redis.command("EXISTS", "chatd:chat:test").contains("0"))
            try taken.end()
        }

        @Test func `an announced shutdown is told on all loops of the daemon that will end, and nowhere else`() throws {
            let redis = try RedisServer()
            let control = TemporaryPath()
            let daemon = try start(redis, loops: 2, ["--control", "unix:\(control.path)"])
            let other = try start(redis)
            let (ana, ben, cleo) = (try join(daemon, as: "ana"), try join(daemon, as: "ben"), try join(other, as: "cleo"))
            func command(_ words: String...) throws {
                let arguments = ["ctl", "--control", "unix:\(control.path)"] + words
                let ctl = try ChildProcess(ChildProcess.pathOfExecutable("chatd"), arguments)
                #expect(try ctl.waitForEnd() == .exit(0))
            }
            try command("shutdown", "in", "2h", "new disks")
            for peer in [ana, ben] {
                #expect(try line(of: peer) { $0.contains("shuts") } == "* the server shuts down in 2h: new disks")
            }
            // Who comes then is told so, too, on either loop.
            for name in ["dora", "eve"] {
                let late = try daemon.connect()
                #expect(try line(of: late) { $0.contains("shuts") }.hasPrefix("* the server shuts down in "))
                try late.send("/nick \(name)\n")
            }
            try command("shutdown", "cancel")
            for peer in [ana, ben] {
                #expect(try line(of: peer) { $0.contains("shut") } == "* the server does not shut down after all")
            }
            try ana.send("the end\n")
            #expect(try line(of: cleo) { $0.contains("shut") || $0.hasSuffix("the end") } == "ana: the end")
            for daemon in [daemon, other] { try daemon.end() }
        }
    }
#endif
