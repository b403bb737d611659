import Foundation
import Synchronization

/// Many runs, several side by side: every call, every error, every point at which it may strike.
final class FaultSweep: Sendable {
    /// Faults of one kind, at one point after the other until a run has no such point.
    struct Series: Sendable {
        var fault: Fault
        var configuration: Configuration
        /// Whether each point is struck with every length, too.
        var cuts = false
    }

    /// What came of one call's series.
    struct Row {
        /// How many of these calls every run makes that no fault disturbs, and at which of them each series has struck.
        var reached: [Configuration: [(sites: Int, struck: Set<Int>)]] = [:]
        var errors: Set<Int32> = []
        var runs = 0
        var strikes = 0
        var outcomes: [Conversation.Outcome: Int] = [:]
        var failures = 0

        var sites: Int { reached.values.reduce(0) { $0 + Self.sites(of: $1) } }

        /// How many points were struck by each of the series that has them.
        var covered: Int {
            reached.values.reduce(0) { sum, series in
                sum
                    + (0..<Self.sites(of: series)).count { site in
                        series.allSatisfy { $0.sites <= site || $0.struck.contains(site + 1) }
                    }
            }
        }

        private static func sites(of series: [(sites: Int, struck: Set<Int>)]) -> Int { series.map(\.sites).max() ?? 0 }
    }

    let chatd: String
    let library: String
    private let directory: String
    private let needsPartners: Bool
    private let rows = Mutex<[String: Row]>([:])
    private let failures = Mutex<[String]>([])
    private let queue: Mutex<[Series]>

    /// - Parameters:
    ///   - chatd: The path of the daemon.
    ///   - library: The path of the library to preload.
    init(_ series: [Series], chatd: String, library: String) throws {
        self.chatd = chatd
        self.library = library
        directory = NSTemporaryDirectory() + "faults-\(getpid())"
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        needsPartners = series.contains { $0.configuration.isOfCluster }
        queue = Mutex(series.reversed())
    }

    deinit {
        try? FileManager.default.removeItem(atPath: directory)
    }

    /// Runs all, `jobs` at a time. Returns what failed.
    func run(jobs: Int) -> (rows: [String: Row], failures: [String]) {
        let group = DispatchGroup()
        for number in 0..<max(jobs, 1) {
            group.enter()
            Thread.detachNewThread { [self] in
                let report = Report(directory: directory, number: number)
                do {
                    let partners = try needsPartners ? Partners(directory: "\(directory)/partners-\(number)", chatd: chatd) : nil
                    while let series = queue.withLock({ $0.popLast() }) { run(series, report, partners) }
                } catch {
                    failures.withLock { $0.append("\(error)") }
                }
                group.leave()
            }
        }
        group.wait()
        return (rows.withLock { $0 }, failures.withLock { $0 })
    }

    private func run(_ series: Series, _ report: Report, _ partners: Partners?) {
        let name = series.fault.call + (series.cuts ? " cut" : "")
        var fault = series.fault
        // The number of calls in undisturbed runs, of which no two are the same, is how far to go at least.
        fault.number = 0
        var sites = Int.max
        for _ in 1...3 {
            guard runOnce(fault, series.configuration, report, partners, name) != nil else { return }
            sites = min(sites, Int(report.read().calls))
        }
        var struck: Set<Int> = []
        fault.number = 1
        while true {
            var hasStruck = false
            for attempt in 0..<5 where !hasStruck && (attempt == 0 || fault.number <= sites) {
                if !series.cuts {
                    hasStruck = runOnce(fault, series.configuration, report, partners, name) == true
                    continue
                }
                fault.length = 1
                while runOnce(fault, series.configuration, report, partners, name) == true {
                    hasStruck = true
                    fault.length += 1
                }
                // A call that moves a single byte, or meets the end of input, cannot be cut.
                if !hasStruck, report.read().calls >= fault.number { hasStruck = true }
            }
            if hasStruck { struck.insert(fault.number) }
            if !hasStruck && fault.number >= sites { break }
            fault.number += 1
        }
        rows.withLock { rows in
            rows[name, default: Row()].reached[series.configuration, default: []].append((sites, struck))
            if fault.error != 0 { rows[name, default: Row()].errors.insert(fault.error) }
        }
    }

    /// Returns whether the fault struck; nil if a promise was broken without it.
    private func runOnce(
        _ fault: Fault, _ configuration: Configuration, _ report: Report, _ partners: Partners?, _ name: String
    ) -> Bool? {
        report.clear()
        var outcome: Conversation.Outcome?
        var complaint = ""
        do {
            outcome = try Conversation.make(
                fault, configuration, chatd: chatd, library: library, report: report, partners: partners
            ).run()
        } catch {
            complaint = "\(error)"
            partners?.dismissOther()
        }
        let strikes = report.read().strikes
        if outcome == nil {
            let text = """
                \(fault.call) \(fault.error == 0 ? "cut to \(fault.length)" : fault.sentence), \(configuration.rawValue): \(complaint)
                    \(fault.environment.joined(separator: " ")) LD_PRELOAD=\(library) \
                \(chatd) \(configuration.arguments(for: fault, path: report.socketPath, partners).joined(separator: " "))
                    faults --chatd \(chatd) --call \(fault.call) --number \(fault.number) --count \(fault.count) \
                --error \(fault.error) --length \(fault.length) --configuration \(configuration.rawValue)

                """
            failures.withLock { $0.append(text) }
        }
        rows.withLock { rows in
            rows[name, default: Row()].runs += 1
            rows[name, default: Row()].strikes += strikes > 0 ? 1 : 0
            if let outcome { rows[name, default: Row()].outcomes[outcome, default: 0] += 1 }
            rows[name, default: Row()].failures += outcome == nil ? 1 : 0
        }
        return outcome == nil && fault.number == 0 ? nil : strikes > 0
    }
}
