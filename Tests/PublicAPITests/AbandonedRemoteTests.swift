import ChatReactor
import Testing

/// What other threads hand over to a loop that is gone is dropped, not kept.
struct AbandonedRemoteTests {
    private final class Witness: Sendable {}

    @Test(arguments: [true, false])
    func tasksAreLetGoOf(afterTheLoop: Bool) throws {
        var loop: EventLoop? = try EventLoop()
        let remote = try #require(loop?.remote)
        weak var task: Witness?
        if afterTheLoop { loop = nil }
        do {
            let witness = Witness()
            task = witness
            remote.execute { _ in _ = witness }
        }
        if !afterTheLoop { #expect(task != nil) }
        loop = nil
        remote.stop()
        #expect(task == nil)
    }

    @Test func aTaskThatHandsOverWhenItGoesDoesNotBlock() throws {
        final class Last: Sendable {
            let remote: EventLoop.Remote
            init(_ remote: EventLoop.Remote) { self.remote = remote }
            deinit { remote.stop() }
        }
        var loop: EventLoop? = try EventLoop()
        let remote = try #require(loop?.remote)
        weak var task: Last?
        do {
            let last = Last(remote)
            task = last
            remote.execute { _ in _ = last }
        }
        loop = nil
        #expect(task == nil)
    }
}
