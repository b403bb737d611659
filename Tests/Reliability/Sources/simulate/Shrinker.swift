/// Makes a failing plan small: leaves out steps for as long as it still fails in the same way (delta debugging, Zeller and Hildebrandt).
struct Shrinker<Plan: Playable> {
    let kind: String
    private(set) var plan: Plan
    private(set) var attempts = 0

    init(_ plan: Plan, failingBy finding: Finding) {
        self.plan = plan
        kind = finding.kind
    }

    mutating func shrink() {
        var pieces = 2
        while plan.steps.count > 1 {
            if let smaller = withoutOne(of: pieces) {
                plan.steps = smaller
                pieces = max(pieces - 1, 2)
            } else if pieces < plan.steps.count {
                pieces = min(2 * pieces, plan.steps.count)
            } else {
                return
            }
        }
    }

    /// The steps without one of so many pieces, if they fail as well.
    private mutating func withoutOne(of pieces: Int) -> [Plan.Step]? {
        let count = plan.steps.count
        for piece in 0..<pieces {
            let removed = piece * count / pieces..<(piece + 1) * count / pieces
            if removed.isEmpty { continue }
            var candidate = plan
            candidate.steps.removeSubrange(removed)
            attempts += 1
            if candidate.finding(isQuiet: true)?.kind == kind { return candidate.steps }
        }
        return nil
    }
}
