import NIOConcurrencyHelpers
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

    private let channels = NIOLockedValueBox<[ObjectIdentifier: any Channel]>([:])

    /// The channel is active already when it becomes a WebSocket.
    func handlerAdded(context: ChannelHandlerContext) {
        let channel = context.channel
        channels.withLockedValue { $0[ObjectIdentifier(channel)] = channel }
    }

    func channelInactive(context: ChannelHandlerContext) {
        let id = ObjectIdentifier(context.channel)
        channels.withLockedValue { _ = $0.removeValue(forKey: id) }
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let frame = Self.unwrapInboundIn(data)
        guard frame.opcode == .text else { return }
        let text = WebSocketFrame(fin: true, opcode: .text, data: frame.unmaskedData)
        let sender = ObjectIdentifier(context.channel)
        // Outside the lock: a write that fails comes back here as `channelInactive`. The snapshot shares its storage.
        let everybody = channels.withLockedValue { $0 }
        for (id, channel) in everybody where id != sender {
            channel.writeAndFlush(text, promise: nil)
        }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}
