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

/// Sends each line to every channel but the one that it came from. All channels share one handler, as in SwiftNIO's own chat server.
final class ChatHandler: ChannelInboundHandler, Sendable {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let channels = Channels()

    func channelActive(context: ChannelHandlerContext) {
        channels.add(context.channel)
    }

    func channelInactive(context: ChannelHandlerContext) {
        channels.remove(context.channel)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let line = Self.unwrapInboundIn(data)
        channels.send(line, from: context.channel)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}
