import Synchronization

extension EventLoop.Remote {
    /// Makes a connection of a connected stream socket, on the loop's thread. From any thread: it is how one loop accepts
    /// connections for others.
    ///
    /// `makeHandler` is called on the loop's thread; then the handler's `connectionDidOpen` says that it has begun. If the loop
    /// is closed or gone, the socket is closed and no handler is made. If the kernel cannot watch the socket, the socket is
    /// closed and the handler is not called.
    ///
    /// See `EventLoop.adopt(socket:options:handler:)` for what the socket has to be.
    public func adopt(
        socket: consuming OwnedDescriptor, options: Connection.Options = .init(),
        makeHandler: @escaping @Sendable () -> any ConnectionHandler
    ) {
        pass(socket) { loop, socket in _ = try? loop.adopt(socket: socket, options: options, handler: makeHandler()) }
    }

    /// Passes a descriptor to `body`, on the loop's thread. If the loop is closed or gone, the descriptor is closed.
    package func pass(
        _ descriptor: consuming OwnedDescriptor, to body: @escaping @Sendable (EventLoop, consuming OwnedDescriptor) -> Void
    ) {
        let parcel = Parcel(descriptor)
        execute { loop in
            if let descriptor = parcel.open() { body(loop, descriptor) }
        }
    }

    /// A closure cannot own a noncopyable value that it is to give away. If the closure is dropped, the descriptor is closed with
    /// this.
    private final class Parcel: Sendable {
        private let content: Mutex<OwnedDescriptor?>

        init(_ descriptor: consuming OwnedDescriptor) {
            content = Mutex(descriptor)
        }

        func open() -> OwnedDescriptor? {
            content.withLock { $0.take() }
        }
    }
}
