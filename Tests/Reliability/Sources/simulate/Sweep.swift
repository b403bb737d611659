/// Plays many seeds, in some processes at once, until they are through or one of them finds something.
struct Sweep<Plan: Playable> {
    let first: UInt64
    let count: Int
    let jobs: Int

    /// How many of the first seeds are played twice, to see that a seed determines all.
    static var repeated: Int { 100 }

    struct Result {
        var counts = ScenarioCounts()
        var failure: (seed: UInt64, finding: Finding)?
    }

    func run() -> Result {
        let workers = (0..<jobs).map { job in
            Worker { report throws(Finding) in try play(job, report) }
        }
        var result = Result()
        for worker in workers {
            // The others of a sweep that has failed are of no interest any more.
            if result.failure != nil {
                worker.stop()
                continue
            }
            if let finding = worker.wait() { result.failure = (worker.report.seed, finding) }
            result.counts.add(worker.report.counts)
        }
        return result
    }

    private func play(_ job: Int, _ report: WorkerReport) throws(Finding) {
        var counts = ScenarioCounts()
        defer { report.counts = counts }
        for offset in stride(from: job, to: count, by: jobs) {
            let seed = first &+ UInt64(offset)
            report.seed = seed
            Worker.guardTime()
            let plan = Plan(seed: seed)
            let hash = try plan.play(isTraced: false, counts: &counts)
            if offset < Self.repeated {
                var ignored = ScenarioCounts()
                if try plan.play(isTraced: false, counts: &ignored) != hash {
                    throw Finding("a seed does not determine what happens")
                }
            }
        }
    }
}
