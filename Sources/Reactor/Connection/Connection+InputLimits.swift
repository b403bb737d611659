/// How much a peer may send, and how long it may be silent.
///
/// A message costs no timer: its time is noted, and a timer that fires looks how long ago the last was.
extension Connection {
    /// Puts the limits of the options in force: when the connection opens, and when it is upgraded.
    func applyLimits(replacing replaced: Options? = nil) {
        let options = sharedOptions.value
        if kind == .socket, options.unacknowledgedTimeout != replaced?.unacknowledgedTimeout {
            Socket.setUnacknowledgedTimeout(options.unacknowledgedTimeout, of: rawDescriptor)
        }
        guard options.hasInputLimits || inputLimits != nil else { return }
        let now = ContinuousClock.now
        let limits = inputLimits ?? makeInputLimits(at: now)
        limits.setRates(messages: options.messageRate, bytes: options.byteRate, at: limits.time(of: now))
        if limits.isDelayed { endDelayIfPaid() }
        // It may be shorter than what the timer is armed for. A delay keeps its timer.
        if !limits.isDelayed { armSilenceTimer() }
    }

    /// Has the next limits begin as if the connection had just opened.
    func forgetLimits() {
        guard let limits = inputLimits else { return }
        limits.timer?.cancel()
        setInputLimits(nil)
        if limits.isDelayed { resumeReading() }
    }

    private func makeInputLimits(at now: ContinuousClock.Instant) -> InputLimits {
        let limits = InputLimits(at: now)
        limits.hasHadMessage = pendingOutput > 0
        if pauses > 0 { limits.silence.pause(at: 0) }
        setInputLimits(limits)
        return limits
    }

    /// The handler has been told that the connection is open, and may have subscribed it to topics. What they send from now on counts.
    func noteTopicPosition() {
        if let inputLimits { inputLimits.topicPosition = topicPosition }
    }

    private var topicPosition: Int { outputSource?.outputPosition(for: self) ?? 0 }

    // MARK: - Rates

    /// Counts messages that are about to be delivered. The next is held back if it would be one too many.
    package func countMessages(_ count: Int) {
        guard let limits = inputLimits else { return }
        limits.hasHadMessage = true
        let now = limits.time(of: loop.turnTime)
        limits.takeMessages(count, at: now)
        delayIfOverdrawn(limits, at: now)
    }

    /// Counts bytes that were read, after their messages have been delivered.
    func countBytes(_ count: Int) {
        guard let limits = inputLimits else { return }
        let now = limits.time(of: loop.turnTime)
        limits.silence.end(at: now)
        limits.takeBytes(count, at: now)
        delayIfOverdrawn(limits, at: now)
    }

    private func delayIfOverdrawn(_ limits: InputLimits, at now: Int64) {
        let wait = limits.wait(at: now)
        guard wait > 0, isTakingMessages else { return }
        if !limits.isDelayed {
            limits.isDelayed = true
            pauseReading()
        }
        armInputTimer(of: limits, at: now &+ wait)
    }

    private func endDelayIfPaid() {
        guard let limits = inputLimits else { return }
        let now = limits.time(of: loop.turnTime)
        let wait = limits.wait(at: now)
        if wait > 0 { return armInputTimer(of: limits, at: now &+ wait) }
        limits.isDelayed = false
        limits.timer?.cancel()
        resumeReading()
    }

    // MARK: - Silence

    func readingDidPause() {
        guard let limits = inputLimits else { return }
        limits.silence.pause(at: limits.time(of: loop.turnTime))
    }

    func readingDidResume() {
        guard let limits = inputLimits else { return }
        limits.silence.resume(at: limits.time(of: loop.turnTime))
        // One that is armed is not too late, and looks again.
        if limits.timer?.deadline == nil { armSilenceTimer() }
    }

    private func armSilenceTimer() {
        guard let limits = inputLimits, isTakingMessages else { return }
        let deadline = [firstMessageDeadline(limits), idleDeadline(limits)].compactMap(\.self).min()
        if let deadline { armInputTimer(of: limits, at: deadline) } else { limits.timer?.cancel() }
    }

    private func firstMessageDeadline(_ limits: InputLimits) -> Int64? {
        if limits.hasHadMessage { return nil }
        return sharedOptions.value.firstMessageTimeout.map { limits.silence.opened &+ $0.clampedNanoseconds }
    }

    private func idleDeadline(_ limits: InputLimits) -> Int64? {
        sharedOptions.value.idleTimeout.map { limits.silence.heard &+ $0.clampedNanoseconds }
    }

    private func judgeSilence(_ limits: InputLimits) {
        // While reading is paused the timer stays unarmed, until it is resumed. From a peer that has said that nothing more comes, nothing
        // is expected.
        guard pauses == 0, !hasReadToEnd, !hasFailedOutput else { return }
        if topicPosition != limits.topicPosition { limits.hasHadMessage = true }
        let now = limits.time(of: loop.turnTime)
        let reason: CloseReason
        if let deadline = firstMessageDeadline(limits), deadline <= now {
            reason = .firstMessageTimedOut
        } else if let deadline = idleDeadline(limits), deadline <= now {
            reason = .idleTimedOut
        } else {
            return armSilenceTimer()
        }
        // The peer has spoken, and the loop has not come to it yet.
        if hasUnreadInput { return armInputTimer(of: limits, at: now &+ 100_000_000) }
        if reason == .firstMessageTimedOut { limits.hasHadMessage = true } else { limits.silence.end(at: now) }
        loop.callHandler { directHandler.connectionDidTimeOut(self, reason: reason) }
        if inputLimits?.isDelayed == false { armSilenceTimer() }
    }

    // MARK: - The timer

    private func armInputTimer(of limits: InputLimits, at time: Int64) {
        let timer = limits.timer ?? loop.makeTimer { [weak self] in self?.inputTimerDidFire() }
        limits.timer = timer
        timer.arm(at: limits.instant(at: time))
    }

    private func inputTimerDidFire() {
        guard let limits = inputLimits, isTakingMessages else { return }
        if limits.isDelayed { endDelayIfPaid() } else { judgeSilence(limits) }
    }
}
