import ChatReactor

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
    private final class Channel: @unchecked Sendable {
        private weak let console: Console?
        private let forwarder: Forwarder

        init(to console: Console, on home: EventLoop.Remote) {
            self.console = console
            forwarder = Forwarder(to: home, limit: 1 << 20)
        }

        func print(_ lines: [[UInt8]]) {
            forwarder.pass(size: lines.reduce(0) { $0 + $1.count }, count: lines.count) { [self] unshown in
                console?.show(lines, besides: unshown)
            }
        }
    }

    /// Has what clients of all loops but the console's say printed there.
    static func print(_ group: ServerGroup, at console: Console, on loop: EventLoop) {
        let home = loop.remote
        let channel = Channel(to: console, on: home)
        group.execute { server in
            if server.loop.remote !== home { server.addObserver(ForwardingPrinter(channel)) }
        }
    }

    private init(_ channel: Channel) { self.channel = channel }

    func server(
        _ server: ChatServer, didRelay messages: borrowing MessageBatch, in range: Range<Int>, from client: ChatServer.Client
    ) {
        if range.isEmpty { return }
        channel.print(range.map { index in messages.withMessage(at: index) { text in text.indices.map { text[$0] } } })
    }
}
