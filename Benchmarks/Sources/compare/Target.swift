import Relays

/// What is to be reached, and whether it was.
struct Target: Sendable {
    enum Goal: Sendable {
        case atLeast(must: Double, aim: Double?)
        case atMost(must: Double, aim: Double?)
    }

    /// What was measured: the worst of what the target is about, and where that was.
    struct Finding {
        var value: Double
        var place: String?
    }

    struct Outcome: Codable {
        var name: String
        var must: String
        var aim: String
        var measured: Double?
        var place: String?
        /// Nil if it was not measured.
        var isMet: Bool?
    }

    var name: String
    var goal: Goal
    var measure: @Sendable (Summary) -> [Finding]

    func result(in summary: Summary) -> Outcome {
        let findings = measure(summary)
        switch goal {
        case .atLeast(let must, let aim):
            let worst = findings.min { $0.value < $1.value }
            return result("≥", must, aim, worst, isMet: worst.map { $0.value >= must })
        case .atMost(let must, let aim):
            let worst = findings.max { $0.value < $1.value }
            return result("≤", must, aim, worst, isMet: worst.map { $0.value <= must })
        }
    }

    private func result(_ sign: String, _ must: Double, _ aim: Double?, _ worst: Finding?, isMet: Bool?) -> Outcome {
        Outcome(
            name: name, must: "\(sign) \(must.short)", aim: aim.map { "\(sign) \($0.short)" } ?? "", measured: worst?.value,
            place: worst?.place, isMet: isMet)
    }

    static let all: [Target] = [
        Target(name: "deliveries/s against the limit program, worst scenario", goal: .atLeast(must: 0.9, aim: 1)) { summary in
            saturated.compactMap { finding(.deliveriesPerSecond, to: Relay.limitName, in: $0, summary) }
        },
        Target(name: "CPU a delivery against the limit program, worst scenario", goal: .atMost(must: 1.15, aim: 1)) { summary in
            loaded.compactMap { finding(.nanosecondsPerDelivery, to: Relay.limitName, in: $0, summary) }
        },
        throughput(against: "nio", "the SwiftNIO relay", in: ["relay-100", "relay-1000"], must: 30, aim: 50),
        throughput(against: "python", "Python threads", in: ["relay-100"], must: 4, aim: 8),
        throughput(against: "ncat", "`ncat --broker`", in: ["relay-100"], must: 8, aim: 10),
        throughput(against: "redis", "Redis pub/sub", in: ["relay-100", "relay-1000"], must: 2, aim: 3),
        throughput(against: "nats", "NATS core", in: ["relay-100", "relay-1000"], must: 3, aim: 5),
        Target(name: "CPU a delivery over TLS against a plain one", goal: .atMost(must: 1.8, aim: 1.5)) { summary in
            ["tls-100", "tls-single-100", "tls-size-512"].compactMap {
                finding(.nanosecondsPerDelivery, of: Relay.chatdTLSName, to: Relay.chatdName, in: $0, summary)
            }
        },
        Target(name: "deliveries/s over TLS against the best of the others", goal: .atLeast(must: 3, aim: nil)) { summary in
            ["tls-100", "tls-single-100"].flatMap { scenario in
                ["stunnel", "ncat-tls"].compactMap {
                    finding(.deliveriesPerSecond, of: Relay.chatdTLSName, to: $0, in: scenario, summary)
                }
            }
        },
        Target(name: "CPU a delivery to WebSockets against one to lines", goal: .atMost(must: 1.2, aim: nil)) { summary in
            web.compactMap {
                finding(.nanosecondsPerDelivery, of: Relay.chatdWebName, to: Relay.chatdName, in: $0, summary)
            }
        },
        web(against: "uwebsockets", "uWebSockets pub/sub", in: web, must: 1),
        web(against: "nio-web", "SwiftNIO's, saturated", in: ["web-100", "web-1000"], must: 20),
        Target(name: "p99 at 50 % load against the limit program", goal: .atMost(must: 1.25, aim: 1.05)) { summary in
            [finding(.p99Microseconds, to: Relay.limitName, in: "rate-50", summary)].compactMap(\.self)
        },
        Target(name: "resident bytes an idle connection, 100 to 19,000", goal: .atMost(must: 512, aim: 256)) { summary in
            [summary.median(.bytesPerConnection, of: Relay.chatdName, in: "idle-19000").map { Finding(value: $0) }]
                .compactMap(\.self)
        },
        Target(name: "wake-ups with 19,000 idle connections", goal: .atMost(must: 0, aim: nil)) { summary in
            [summary.median(.wakeUps, of: Relay.chatdName, in: "idle-19000").map { Finding(value: $0) }].compactMap(\.self)
        },
        Target(name: "throughput kept with 10 % of the peers never reading", goal: .atLeast(must: 0.95, aim: 0.99)) { summary in
            let ratio = summary.ratio(
                .deliveriesPerSecond, of: ("chatd-skip", "stalled"), to: ("chatd-skip", "healthy"))
            return [ratio.map { Finding(value: $0.median) }].compactMap(\.self)
        },
        tasks("fan-out", Relay.asyncName, against: ["nio-async", "nio-async-loop"], in: ["relay-100", "relay-1000"], must: 5),
        tasks(
            "echo", Relay.asyncEchoName, against: ["nio-async-echo", "nio-async-loop-echo"], in: ["echo-1", "echo-1000"],
            must: 1.5),
        Target(name: "start to first connection against the SwiftNIO relay", goal: .atMost(must: 1, aim: 0.5)) { summary in
            [finding(.startMilliseconds, to: "nio", in: "start", summary)].compactMap(\.self)
        },
    ]

    private static let web = ["web-100", "web-window-2", "web-1000", "web-single-100"]

    private static func web(against relay: String, _ title: String, in scenarios: [String], must: Double) -> Target {
        Target(name: "deliveries/s to WebSockets against \(title)", goal: .atLeast(must: must, aim: nil)) { summary in
            scenarios.compactMap { finding(.deliveriesPerSecond, of: Relay.chatdWebName, to: relay, in: $0, summary) }
        }
    }

    private static var saturated: [Scenario] {
        Scenario.all.filter { if case .saturation = $0.kind { true } else { false } }
    }

    private static var loaded: [Scenario] {
        Scenario.all.filter {
            switch $0.kind {
            case .saturation, .rate: true
            case .idle, .churn, .start: false
            }
        }
    }

    private static func throughput(
        against relay: String, _ title: String, in scenarios: [String], must: Double, aim: Double
    ) -> Target {
        Target(name: "deliveries/s against \(title), saturated", goal: .atLeast(must: must, aim: aim)) { summary in
            scenarios.compactMap { finding(.deliveriesPerSecond, to: relay, in: $0, summary) }
        }
    }

    /// Of what is written with tasks, against the same on SwiftNIO.
    private static func tasks(
        _ what: String, _ relay: String, against others: [String], in scenarios: [String], must: Double
    ) -> Target {
        let name = "deliveries/s with tasks against NIOAsyncChannel, \(what)"
        return Target(name: name, goal: .atLeast(must: must, aim: nil)) { summary in
            scenarios.flatMap { scenario in
                others.compactMap { finding(.deliveriesPerSecond, of: relay, to: $0, in: scenario, summary) }
            }
        }
    }

    private static func finding(_ metric: Metric, to other: String, in scenario: Scenario, _ summary: Summary) -> Finding? {
        finding(metric, to: other, in: scenario.name, summary)
    }

    private static func finding(
        _ metric: Metric, of relay: String = Relay.chatdName, to other: String, in scenario: String, _ summary: Summary
    ) -> Finding? {
        summary.ratio(metric, of: relay, to: other, in: scenario).map { Finding(value: $0.median, place: scenario) }
    }
}
