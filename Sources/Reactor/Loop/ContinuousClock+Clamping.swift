extension ContinuousClock.Instant {
    /// This instant plus `time`, which is clamped to 0...2^40 seconds: `advanced(by:)` ends the process if the sum overflows.
    package func advanced(clamping time: Duration) -> ContinuousClock.Instant {
        advanced(by: min(max(time, .zero), .seconds(1 << 40)))
    }
}
