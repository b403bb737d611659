extension ContinuousClock.Instant {
    /// The instant that lies a time behind this one, however long or short the time is: less than none counts as none, and more than
    /// tens of thousands of years as that many. `advanced(by:)` ends the process if the sum cannot be represented.
    package func advanced(clamping time: Duration) -> ContinuousClock.Instant {
        advanced(by: min(max(time, .zero), .seconds(1 << 40)))
    }
}
