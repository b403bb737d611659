import SimulatedKernel

/// Whether `ContinuousClock`, which the loop uses, gets its time from the simulated kernel.
enum SimulatedClock {
    static var isInPlace: Bool {
        var faults = kernel_faults()
        unsafe kernel_begin(&faults)
        defer { kernel_end() }
        let start = ContinuousClock.now
        kernel_advance(3_600_000_000_000)
        return start.duration(to: .now) >= .seconds(3_600) && start.duration(to: .now) < .seconds(3_601)
    }
}
