import ChatReactor
import Synchronization

/// Passes what clients of another loop say to the console, which is on the daemon's. What one client says comes in its order; what clients of
/// different loops say may be printed in another order than it was sent in.
///
/// What comes while a megabyte is on its way is not printed, but counted, as is what comes while the terminal is too slow.
final class ForwardingPrinter: ChatServerObserver {
    let wantsEvents = false
    private let channel: Channel

    /// What the printers of all loops share with the console.
    ///
    /// `@unchecked Sendable`, since the console is asked for on its own loop alone.
    final class Channel: @unchecked Sendable {
        private weak let console: Console?
        private let home: EventLoop.Remote
        private let byteCount = Atomic(0)
        private let unshown = Atomic(0)

        init(to console: Console, on home: EventLoop.Remote) {
            self.console = console
            self.home = home
        }

        func print(_ lines: [[UInt8]]) {
            let count = lines.reduce(0) { $0 + $1.count }
            if byteCount.load(ordering: .relaxed) > 1 << 20 {
                unshown.add(lines.count, ordering: .relaxed)
                return
            }
            byteCount.add(count, ordering: .relaxed)
            home.execute { [self] _ in
                byteCount.subtract(count, ordering: .relaxed)
                console?.show(lines, besides: unshown.exchange(0, ordering: .relaxed))
            }
        }
    }

    init(_ channel: Channel) { self.channel = channel }

    func server(
        _ server: ChatServer, didRelay messages: borrowing MessageBatch, in range: Range<Int>, from client: ChatServer.Client
    ) {
        if range.isEmpty { return }
        channel.print(range.map { index in messages.withMessage(at: index) { text in text.indices.map { text[$0] } } })
    }
}
