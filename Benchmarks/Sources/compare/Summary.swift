import Relays

/// What all rounds together say: medians, and medians of ratios within a round.
///
/// A machine is faster in one minute than in the next, but two runs that follow each other have much in common.
struct Summary {
    let results: [Result]

    init(_ results: [Result]) {
        self.results = results
    }

    /// A median, and what lies about it.
    struct Ratio: Codable {
        var median: Double
        var least: Double
        var greatest: Double
    }

    func median(_ metric: Metric, of relay: String, in scenario: String) -> Double? {
        results.filter { $0.relay == relay && $0.scenario == scenario }.compactMap { $0.figures[metric] }.median
    }

    /// How a relay's figure compares with another's in the same round.
    func ratio(_ metric: Metric, of relay: String, to other: String, in scenario: String) -> Ratio? {
        ratio(metric, of: (relay, scenario), to: (other, scenario))
    }

    func ratio(
        _ metric: Metric, of left: (relay: String, scenario: String), to right: (relay: String, scenario: String)
    ) -> Ratio? {
        var ratios: [Double] = []
        for result in results where result.relay == left.relay && result.scenario == left.scenario {
            let reference = results.first {
                $0.round == result.round && $0.relay == right.relay && $0.scenario == right.scenario
            }
            guard let value = result.figures[metric], let base = reference?.figures[metric], base > 0 else { continue }
            ratios.append(value / base)
        }
        guard let median = ratios.median, let least = ratios.min(), let greatest = ratios.max() else { return nil }
        return Ratio(median: median, least: least, greatest: greatest)
    }

    /// What was said about a relay in a scenario, each remark once.
    func remarks(on relay: String, in scenario: String) -> [String] {
        var remarks: [String] = []
        for result in results where result.relay == relay && result.scenario == scenario {
            if let failure = result.failure { remarks.append("failed: \(failure)") }
            if result.isClean == false { remarks.append("lines were damaged or lost") }
            // The counts in a remark differ from run to run; the first says enough.
            for remark in result.remarks where !remarks.contains(where: { $0.prefix(24) == remark.prefix(24) }) {
                remarks.append(remark)
            }
        }
        var seen: Set<String> = []
        return remarks.filter { seen.insert($0).inserted }
    }
}
