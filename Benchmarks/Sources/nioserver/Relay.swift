import NIOConcurrencyHelpers
import NIOCore
import NIOPosix

/// A relay with channel handlers.
func serveRelay(onPort port: Int, threads: Int) throws {
    let chat = ChatHandler()
    let server = try ServerBootstrap(group: MultiThreadedEventLoopGroup(numberOfThreads: threads))
        .listeningAsAllServersDo()
        .childChannelInitializer { channel in
            channel.eventLoop.makeCompletedFuture {
                try channel.pipeline.syncOperations.addHandlers([LineDecoder.handler(), chat])
            }
        }
        .bind(host: "127.0.0.1", port: port)
        .wait()
    try server.closeFuture.wait()
}

/// Sends each line to every channel but the one that it came from. All channels share one handler, as in SwiftNIO's own
/// chat server; the lock is there for the runs with several threads.
final class ChatHandler: ChannelInboundHandler, Sendable {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let channels = NIOLockedValueBox<[ObjectIdentifier: any Channel]>([:])

    func channelActive(context: ChannelHandlerContext) {
        let channel = context.channel
        channels.withLockedValue { $0[ObjectIdentifier(channel)] = channel }
    }

    func channelInactive(context: ChannelHandlerContext) {
        let id = ObjectIdentifier(context.channel)
        channels.withLockedValue { _ = $0.removeValue(forKey: id) }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let line = Self.unwrapInboundIn(data)
        let sender = ObjectIdentifier(context.channel)
        // Outside the lock: a write that fails comes back here as `channelInactive`. The snapshot shares its storage.
        let everybody = channels.withLockedValue { $0 }
        for (id, channel) in everybody where id != sender {
            channel.writeAndFlush(line, promise: nil)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}
