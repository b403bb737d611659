import NIOCore
import NIOHTTP1
import NIOPosix
import NIOWebSocket

/// A relay of WebSockets with channel handlers.
func serveWebRelay(onPort port: Int) throws {
    let chat = WebChatHandler()
    let upgrader = NIOWebSocketServerUpgrader(
        shouldUpgrade: { channel, _ in channel.eventLoop.makeSucceededFuture(HTTPHeaders()) },
        upgradePipelineHandler: { channel, _ in channel.pipeline.addHandler(chat) })
    let server = try ServerBootstrap(group: MultiThreadedEventLoopGroup(numberOfThreads: 1))
        .listeningAsAllServersDo()
        .childChannelInitializer { channel in
            channel.pipeline.configureHTTPServerPipeline(withServerUpgrade: (upgraders: [upgrader], completionHandler: { _ in }))
        }
        .bind(host: "127.0.0.1", port: port)
        .wait()
    try server.closeFuture.wait()
}

/// Sends each text to every channel but the one that it came from. All channels share one handler, as in `ChatHandler`.
final class WebChatHandler: ChannelInboundHandler, Sendable {
    typealias InboundIn = WebSocketFrame
    typealias OutboundOut = WebSocketFrame

    private let channels = Channels()

    /// The channel is active already when it becomes a WebSocket.
    func handlerAdded(context: ChannelHandlerContext) {
        channels.add(context.channel)
    }

    func channelInactive(context: ChannelHandlerContext) {
        channels.remove(context.channel)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let frame = Self.unwrapInboundIn(data)
        guard frame.opcode == .text else { return }
        let text = WebSocketFrame(fin: true, opcode: .text, data: frame.unmaskedData)
        channels.send(text, from: context.channel)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}
