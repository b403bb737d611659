/// All that a seed stands for: steps in a setting. Each step is complete in itself, so steps can be left out.
protocol Playable {
    associatedtype Setting: CustomStringConvertible
    associatedtype Step: CustomStringConvertible

    init(seed: UInt64)

    var setting: Setting { get }
    var steps: [Step] { get set }

    /// Plays it, and adds what it went through to `counts`. The result is a hash of all system calls.
    func play(isTraced: Bool, counts: inout ScenarioCounts) throws(Finding) -> UInt64
}

extension Playable {
    /// Plays it in a process of its own.
    func finding(isTraced: Bool = false, isQuiet: Bool = false) -> Finding? {
        Worker(isQuiet: isQuiet) { report throws(Finding) in
            Worker.guardTime()
            var counts = ScenarioCounts()
            report.hash = try play(isTraced: isTraced, counts: &counts)
        }.wait()
    }
}

extension Plan {
    func play(isTraced: Bool, counts: inout ScenarioCounts) throws(Finding) -> UInt64 {
        try Scenario.play(self, isTraced: isTraced, counts: &counts)
    }
}
