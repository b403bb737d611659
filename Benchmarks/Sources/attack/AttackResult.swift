import Attackers
import LoadGenerator
import Relays

/// What one attack on one relay showed, in one round.
struct AttackResult: Codable {
    var round: Int
    var attack: String
    var relay: String
    var linesPerSecond: Double
    var baseline = Measurement()
    var attacked = Measurement()
    /// What the server and the kernel held before the attack, at most during it, and after it.
    var before = ServerWatch.Sample()
    var peak = ServerWatch.Sample()
    var after = ServerWatch.Sample()
    /// How much the server's memory may grow; nil where nothing is promised.
    var memoryBound: Int?
    /// Of one core, out of descriptors and with nothing else to do.
    var starvedShare: Double?
    /// From the moment at which descriptors were free again until the next caller was served.
    var starvedMilliseconds: Double?
    /// What went wrong, besides what the figures say: that the server crashed, for one.
    var complaints: [String] = []
    var remarks: [String] = []

    /// The p99 latency of a second during the attack, against that of one without it: of each the median of the run's seconds. A machine that is
    /// not quiet for a moment spoils that second, and not the whole.
    var ratio: Double? {
        guard let base = baseline.seconds.median, let value = attacked.seconds.median, base > 0 else { return nil }
        return value / base
    }

    var memoryGrowth: Int { max(peak.residentBytes - before.residentBytes, 0) }

    /// All that a relay may not do, but for being slower.
    var faults: [String] {
        var faults = complaints
        if let check = attacked.report?.check {
            if check.missing > 0 { faults.append("\(check.missing) lines lost") }
            if check.damaged > 0 { faults.append("\(check.damaged) lines damaged") }
            if check.repeated + check.misdirected > 0 { faults.append("\(check.repeated + check.misdirected) lines too many") }
        }
        if let memoryBound, memoryGrowth > memoryBound {
            faults.append("memory grew by \(memoryGrowth.mebibytes), beyond \(memoryBound.mebibytes)")
        } else if memoryBound == nil, memoryGrowth > Self.muchMemory {
            faults.append("memory grew by \(memoryGrowth.mebibytes)")
        }
        if let starvedShare, starvedShare > 0.01 { faults.append("\((starvedShare * 100).short) % of a core while starved") }
        if let starvedMilliseconds, starvedMilliseconds > 200 {
            faults.append("took \(starvedMilliseconds.short) ms to recover")
        }
        return faults
    }

    /// A growth that is reported of relays that promise nothing.
    private static let muchMemory = 100 << 20
}

/// What the well-behaved clients noticed in one run.
struct Measurement: Codable {
    var report: LoadReport?
    /// The p99 latency of each second, in microseconds.
    var seconds: [Double] = []
}

extension Int {
    var mebibytes: String { "\((Double(self) / 1_048_576).short) MiB" }
}
