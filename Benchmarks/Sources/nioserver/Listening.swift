import NIOCore
import NIOPosix

extension ServerBootstrap {
    /// The options that all servers have alike.
    func listeningAsAllServersDo() -> ServerBootstrap {
        serverChannelOption(.backlog, value: 4096)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelOption(.maxMessagesPerRead, value: 16)
    }
}
