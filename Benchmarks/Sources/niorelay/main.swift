// A relay as SwiftNIO's documentation and its chat server example suggest it.
//
//     niorelay PORT [THREADS]

import Glibc
import NIOCore
import NIOPosix

let arguments = CommandLine.arguments.dropFirst().map { Int($0) ?? 0 }
guard let port = arguments.first, arguments.count <= 2 else {
    fatalError("usage: niorelay PORT [THREADS]")
}

let chat = ChatHandler()
let group = MultiThreadedEventLoopGroup(numberOfThreads: arguments.dropFirst().first ?? 1)
let server = try ServerBootstrap(group: group)
    .serverChannelOption(.backlog, value: 4096)
    .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
    .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
    .childChannelOption(.maxMessagesPerRead, value: 16)
    .childChannelInitializer { channel in
        channel.eventLoop.makeCompletedFuture {
            let lines = ByteToMessageHandler(LineDecoder(), maximumBufferSize: 64 << 10)
            try channel.pipeline.syncOperations.addHandlers([lines, chat])
        }
    }
    .bind(host: "127.0.0.1", port: port)
    .wait()

var ready = "listening on \(port)\n"
_ = ready.withUTF8 { write(STDERR_FILENO, $0.baseAddress, $0.count) }
try server.closeFuture.wait()
