import NIOCore
import NIOPosix

typealias Reader = NIOAsyncChannelInboundStream<ByteBuffer>
typealias Writer = NIOAsyncChannelOutboundWriter<ByteBuffer>

/// Serves every connection in a child task of its own.
func serve(onPort port: Int, _ body: @escaping @Sendable (Reader, Writer) async throws -> Void) async throws {
    let server = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
        .listeningAsAllServersDo()
        .bind(host: "127.0.0.1", port: port) { channel in
            channel.eventLoop.makeCompletedFuture {
                try channel.pipeline.syncOperations.addHandler(LineDecoder.handler())
                return try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel)
            }
        }
    try await withThrowingDiscardingTaskGroup { group in
        try await server.executeThenClose { connections in
            for try await connection in connections {
                group.addTask {
                    // What goes wrong with one connection ends that one.
                    try? await connection.executeThenClose(body)
                }
            }
        }
    }
}

/// Has the event loop's thread run all tasks, in the place of Swift's own pool.
func runTasksOnTheLoop() {
    if !NIOSingletons.unsafeTryInstallSingletonPosixEventLoopGroupAsConcurrencyGlobalExecutor() {
        fatalError("tasks cannot be made to run on the event loop")
    }
}

/// Each line goes back to where it came from: with a task for each connection.
func serveAsyncEcho(onPort port: Int) async throws {
    try await serve(onPort: port) { lines, writer in
        for try await line in lines { try await writer.write(line) }
    }
}
