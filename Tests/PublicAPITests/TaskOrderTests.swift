import ChatReactor
import Testing

/// Tasks that were passed to `execute` before a turn run in that turn, after the timers that are due.
struct TaskOrderTests {
    private final class Steps: @unchecked Sendable {
        var names: [String] = []
    }

    @Test func tasksComeAfterTimers() throws {
        let loop = try EventLoop()
        defer { loop.close() }
        let steps = Steps()
        loop.remote.execute { _ in steps.names.append("task") }
        loop.schedule(at: .now) { steps.names.append("timer") }
        try loop.runOnce(waitingAtMost: .seconds(20))
        #expect(steps.names == ["timer", "task"])
    }
}
