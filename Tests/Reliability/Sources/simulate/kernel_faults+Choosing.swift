import SimulatedKernel

extension kernel_faults {
    /// How malicious a kernel is. One that never fails shows that nothing is ever lost; one that fails often, that nothing else breaks.
    ///
    /// - Parameters:
    ///   - failuresOneIn: Of how many kernels one fails for good.
    ///   - most: How often that one does, in 1,024 of the occasions.
    init(failuresOneIn: Int, atMost most: Int, using random: inout SeededGenerator) {
        self.init()
        func fault(_ most: Int) -> Int32 { random.oneIn(2) ? 0 : Int32(random.number(0...most)) }
        short_transfers = fault(500)
        refusals = fault(200)
        interruptions = fault(100)
        spurious_events = fault(200)
        stale_events = fault(200)
        delays = fault(300)
        if random.oneIn(failuresOneIn) {
            failures = fault(most)
            accept_failures = fault(200)
        }
    }
}
