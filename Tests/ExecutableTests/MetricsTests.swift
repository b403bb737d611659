import Glibc
import Reactor
import TestSupport
import Testing

/// `chatd --metrics`: what it counts, in the format that Prometheus reads, and what Docs/ say of it.
@Suite struct MetricsTests {
    /// A daemon with one listener for clients and one for metrics.
    private func withMetrics(_ arguments: [String] = [], _ body: (Daemon, UInt16) throws -> Void) throws {
        let places = ["--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0"]
        try withDaemon(places + arguments, listeners: 2) { daemon in
            let place = try #require(daemon.addresses[1].wholeMatch(of: #/http://127\.0\.0\.1:(\d+)/metrics/#))
            try body(daemon, try #require(UInt16(place.1)))
        }
    }

    private func get(_ path: String, at port: UInt16) throws -> HTTPAnswer {
        let answers = try Peer(port: port).ask("GET \(path) HTTP/1.1\r\nHost: localhost\r\n\r\n")
        return try #require(answers?.first)
    }

    /// The samples of a text, by their names with their labels.
    private func samples(_ text: String) -> [String: String] {
        let pairs = text.split(separator: "\n").filter { !$0.hasPrefix("#") }.map { line in
            let space = line.lastIndex(of: " ") ?? line.endIndex
            return (String(line[..<space]), String(line[space...].dropFirst()))
        }
        return Dictionary(uniqueKeysWithValues: pairs)
    }

    private func samples(at port: UInt16) throws -> [String: String] { samples(try get("/metrics", at: port).content) }

    private func text(of path: String) throws -> String {
        let path = #filePath.replacing(#/Tests/[^\/]+/[^\/]+$/#, with: path)
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        return String(decoding: try StreamReader(takingOver: descriptor).all(), as: UTF8.self)
    }

    // MARK: - What is counted

    @Test func aChatOfThree() throws {
        try withMetrics { daemon, port in
            let clients = try (0..<3).map { _ in try daemon.connect() }
            try wait(for: "three clients") { try samples(at: port)["chatd_connections"] == "3" }
            let before = try samples(at: port)
            try clients[0].send("one\n")
            try clients[1].send("two\n")
            for client in [clients[0], clients[1]] { _ = try client.receiveLine() }
            _ = try clients[2].receiveLines(2)
            try clients[2].send("x\n")
            #expect(try clients[2].receiveLine() == nil)
            clients[2].close()
            try wait(for: "two clients") { try samples(at: port)["chatd_connections"] == "2" }
            let after = try samples(at: port)
            let expected = [
                "chatd_connections_accepted_total": "3", #"chatd_connections_closed_total{reason="requested"}"#: "1",
                #"chatd_connections_closed_total{reason="end_of_input"}"#: "0", "chatd_messages_received_total": "3",
                "chatd_deliveries_total": "4", "chatd_skipped_messages_total": "0", "chatd_lag_bytes": "0", "chatd_rooms": "1",
                "chatd_room_members": "2", "chatd_accept_failures_total": "0",
            ]
            for (name, value) in expected { #expect(after[name] == value, "\(name)") }
            for name in ["chatd_turns_total", "chatd_turn_duration_seconds_count", "chatd_delivery_duration_seconds_count"] {
                #expect(try #require(Int(after[name] ?? "")) > #require(Int(before[name] ?? "")), "\(name)")
            }
        }
    }

    @Test func bytesAreCountedOnce() throws {
        try withMetrics { daemon, port in
            // Nothing but the request has been read, and nothing has been sent before its response.
            let request = "GET /metrics HTTP/1.1\r\nHost: a\r\n\r\n"
            let peer = try Peer(port: port)
            try peer.send(request)
            func nextAnswer() throws -> (text: String, samples: [String: String]) {
                var text = ""
                while !text.hasSuffix("\r\n\r\n") { text += try (peer.receiveLine() ?? "") + "\n" }
                let length = try #require(text.firstMatch(of: #/Content-Length: (\d+)/#).flatMap { Int($0.1) })
                let content = String(decoding: try peer.receive(length), as: UTF8.self)
                return (text + content, samples(content))
            }
            let first = try nextAnswer()
            #expect(first.samples["chatd_received_bytes_total"] == "\(request.utf8.count)")
            // What it has said on standard error.
            let said = try #require(first.samples["chatd_sent_bytes_total"].flatMap { Int($0) })
            let clients = try (0..<3).map { _ in try daemon.connect() }
            // Those who have connected before somebody are served before it.
            try clients[2].send("hello\n")
            for client in clients[..<2] { #expect(try client.receiveLine() == "hello") }
            try peer.send(request)
            let second = try nextAnswer().samples
            #expect(second["chatd_received_bytes_total"] == "\(2 * request.utf8.count + 6)")
            #expect(second["chatd_sent_bytes_total"] == "\(said + first.text.utf8.count + 12)")
        }
    }

    @Test func roomsOfAChat() throws {
        try withMetrics(["--chat"]) { daemon, port in
            let ana = try daemon.connect()
            try ana.send("/join kitchen\nhello\n/ping\n")
            while let line = try ana.receiveLine(), line != "* pong" {}
            let counts = try samples(at: port)
            // One is in the room where it speaks.
            #expect(counts["chatd_rooms"] == "2" && counts["chatd_room_members"] == "1")
            #expect(counts["chatd_messages_received_total"] == "3")
        }
    }

    @Test func theProcess() throws {
        let before = time(nil)
        try withMetrics { daemon, port in
            let first = try samples(at: port)
            let clients = try daemon.join(10)
            let second = try samples(at: port)
            func number(_ samples: [String: String], _ name: String) throws -> Double {
                try #require(Double(samples["process_\(name)"] ?? ""))
            }
            #expect(try number(second, "open_fds") == number(first, "open_fds") + Double(clients.count))
            #expect(try number(first, "max_fds") >= 100 && number(first, "resident_memory_bytes") > 1_000_000)
            #expect(try number(first, "virtual_memory_bytes") > number(first, "resident_memory_bytes"))
            let start = try number(first, "start_time_seconds")
            // The kernel counts hundredths of a second, from when the machine was started.
            #expect(start >= Double(before) - 1 && start <= Double(time(nil)) + 1)
            #expect(try number(second, "start_time_seconds") == start)
            let cpu = try number(second, "cpu_seconds_total")
            #expect(cpu >= 0 && cpu < 60)
        }
    }

    // MARK: - What is served

    @Test func whatIsServedAndNothingElse() throws {
        try withMetrics { _, port in
            let metrics = try get("/metrics", at: port)
            #expect(metrics.status == 200 && metrics.fields["content-type"] == "text/plain; version=0.0.4; charset=utf-8")
            #expect(try get("/metrics?a=b", at: port).status == 200)
            for path in ["/healthz", "/readyz"] { #expect(try get(path, at: port).status == 200) }
            for path in ["/", "/metrics/", "//metrics", "/Metrics", "/%6Detrics", "/readyz/../metrics"] {
                #expect(try get(path, at: port).status == 404, "\(path)")
            }
            #expect(try Peer(port: port).ask("POST /metrics HTTP/1.1\r\nHost: a\r\n\r\n")?.map(\.status) == [405])
        }
    }

    @Test func notReadyWhileItEnds() throws {
        let places = ["--listen", "127.0.0.1:0", "--metrics", "127.0.0.1:0"]
        let daemon = try Daemon(places, listeners: 2)
        let port = try #require(daemon.addresses[1].firstMatch(of: #/:(\d+)\//#).flatMap { UInt16($0.1) })
        // One who does not close keeps the daemon for a second.
        let peer = try daemon.join(1)[0]
        daemon.process.send(signal: SIGTERM)
        #expect(try peer.receiveLine()?.hasPrefix("! goodbye") == true)
        #expect(try get("/readyz", at: port).status == 503)
        #expect(try get("/healthz", at: port).status == 200)
        peer.close()
        #expect(try daemon.process.waitForEnd() == .exit(0))
    }

    @Test func anAddressThatCannotBeHad() throws {
        try withDaemon { daemon in
            let arguments = ["--port", "0", "--metrics", daemon.address]
            let other = try ChildProcess(ChildProcess.pathOfExecutable("chatd"), arguments)
            let error = String(decoding: try other.error.all(), as: UTF8.self)
            #expect(error == "chatd: cannot listen on \(daemon.address): Address already in use\n")
            #expect(try other.waitForEnd() == .exit(EX_UNAVAILABLE))
        }
    }

    // MARK: - The format

    private static let isPrometheusInstalled = ChildProcess.isInstalled("prometheus") && ChildProcess.isInstalled("promtool")

    @Test(.enabled(if: isPrometheusInstalled)) func promtoolFindsNothingToSay() throws {
        try withMetrics { _, port in
            let checker = try ChildProcess("promtool", ["check", "metrics"], input: .pipe)
            try checker.write(try get("/metrics", at: port).content)
            checker.closeInput()
            #expect(String(decoding: try checker.error.all(), as: UTF8.self) == "")
            #expect(try checker.waitForEnd() == .exit(0))
        }
    }

    @Test(.enabled(if: isPrometheusInstalled)) func prometheusScrapesIt() throws {
        try withMetrics { daemon, port in
            let clients = try daemon.join(2)
            let directory = try TemporaryDirectory()
            let configuration = """
                global: {scrape_interval: 200ms, scrape_timeout: 200ms}
                scrape_configs:
                - job_name: chatd
                  static_configs: [{targets: ["127.0.0.1:\(port)"]}]
                """
            let file = unsafe open(directory.path + "/prometheus.yml", O_WRONLY | O_CREAT | O_CLOEXEC, 0o600)
            let bytes = Array(configuration.utf8)
            #expect(unsafe write(file, bytes, bytes.count) == bytes.count)
            close(file)
            let prometheus = try ChildProcess(
                "prometheus",
                [
                    "--config.file=\(directory.path)/prometheus.yml", "--storage.tsdb.path=\(directory.path)/data",
                    "--web.listen-address=127.0.0.1:0", "--log.level=info",
                ])
            // It says at which port it listens, if that is 0.
            let listening = try prometheus.error.text(through: "msg=\"Listening on\" address=127.0.0.1:")
            #expect(listening != "")
            let place = try #require(try prometheus.error.line().flatMap { UInt16($0.prefix { $0.isNumber }) })
            func query(_ expression: String) throws -> String {
                let answer = try get("/api/v1/query?query=\(expression)", at: place)
                return answer.content.firstMatch(of: #/"value":\[[0-9.]+,"([^"]*)"\]/#).map { String($0.1) } ?? ""
            }
            // A scrape that a busy machine makes too late counts as none, so both are waited for.
            try wait(for: "a scrape") { try query("chatd_connections") == "2" && query("up") == "1" }
            try wait(for: "all of it") { try query("chatd_connections_accepted_total") == "3" }
            // Prometheus has understood the histogram, too.
            try clients[0].send("hello\n")
            #expect(try clients[1].receiveLine() == "hello")
            try wait(for: "another scrape") { try query("chatd_messages_received_total") == "2" }
            try wait(for: "a quantile") {
                try Double(query("histogram_quantile(0.99,chatd_turn_duration_seconds_bucket)")).map { $0 > 0 } == true
            }
        }
    }

    // MARK: - The documents

    @Test func theTableOfTheManual() throws {
        try withMetrics { _, port in
            let text = try get("/metrics", at: port).content
            let served = text.split(separator: "\n").filter { $0.hasPrefix("# ") }.map { $0.split(separator: " ", maxSplits: 3) }
            let rows = zip(served, served.dropFirst()).filter { $0.0[1] == "HELP" }.map { help, type in
                "| `\(help[2])` | \(type[3]) | \(help[3]) |"
            }
            let section = try self.text(of: "Docs/operations.md").split(separator: "## Monitoring", maxSplits: 1).last ?? ""
            let documented = section.split(separator: "\n").filter { $0.hasPrefix("| `chatd_") || $0.hasPrefix("| `process_") }
            #expect(documented.map(String.init) == rows)
        }
    }

    @Test func theDashboardShowsWhatIsServed() throws {
        try withMetrics { _, port in
            let content = try get("/metrics", at: port).content
            // A metric that has no sample now is described all the same: nobody has given a certificate.
            let described = content.matches(of: #/# TYPE ([a-z0-9_]+) (gauge|counter)\n/#).map { String($0.output.1) }
            let served = Set(samples(content).keys.map { String($0.prefix { $0 != "{" }) }).union(described)
            let dashboard = try text(of: "Docs/grafana-dashboard.json")
            _ = try JSONValue(dashboard)
            let shown = Set(dashboard.matches(of: #/\b(chatd|process)_[a-z0-9_]+/#).map { String($0.0) })
            #expect(shown.subtracting(served) == [])
            // All that chatd has of its own is on it, but for how the numbers of a histogram are called.
            let own = served.filter { $0.hasPrefix("chatd_") && !$0.hasSuffix("_sum") && !$0.hasSuffix("_count") }
            #expect(own.subtracting(shown) == [])
        }
    }
}
