/// Plays many seeds, in some processes at once, until they are through or one of them finds something.
struct Sweep {
    let first: UInt64
    let count: Int
    let jobs: Int

    /// How many of the first seeds are played twice, to see that a seed determines all.
    static let repeated = 100

    struct Result {
        var tally = Tally()
        var failure: (seed: UInt64, finding: Finding)?
    }

    func run() -> Result {
        let workers = (0..<jobs).map { job in
            Worker { board throws(Finding) in try play(job, board) }
        }
        var result = Result()
        for worker in workers {
            // The others of a sweep that has failed are of no interest any more.
            if result.failure != nil {
                worker.stop()
                continue
            }
            if let finding = worker.wait() { result.failure = (worker.board.seed, finding) }
            result.tally.add(worker.board.tally)
        }
        return result
    }

    private func play(_ job: Int, _ board: Board) throws(Finding) {
        var tally = Tally()
        defer { board.tally = tally }
        for offset in stride(from: job, to: count, by: jobs) {
            let seed = first &+ UInt64(offset)
            board.seed = seed
            Worker.guardTime()
            let plan = Plan(seed: seed)
            let hash = try Scenario.play(plan, tally: &tally)
            if offset < Self.repeated {
                var ignored = Tally()
                if try Scenario.play(plan, tally: &ignored) != hash {
                    throw Finding("a seed does not determine what happens")
                }
            }
        }
    }
}
