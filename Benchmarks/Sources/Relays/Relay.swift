import Foundation
public import LoadGenerator

/// A server that lines go through, and how it is started.
public struct Relay: Sendable {
    /// What has to be there before it can be started.
    public enum Source: Sendable {
        case chatd
        /// One of this package's own executables.
        case product(String)
        /// A program that a distribution installs.
        case installed(String)
        /// A program, run by another one, from the directory of peers.
        case script(interpreter: String, file: String)
        /// A shell script from the directory of peers that is told where chatd is, and puts something in front of it.
        case beforeChatd(file: String)
        /// A program to be built from the directory of peers: the tool, and its arguments for a source and a destination.
        case built(tool: String, arguments: @Sendable (_ peers: String, _ destination: String) -> [String])
    }

    public var name: String
    public var title: String
    public var source: Source
    public var wire = Wire.line
    /// Whether it speaks TLS, with the certificate that is in its working directory.
    public var isTLS = false
    /// What it is to be told, for a port.
    public var arguments: @Sendable (_ port: UInt16) -> [String]
    /// What it is to be told for a Unix socket's path, if it knows such.
    public var unixArguments: (@Sendable (_ path: String) -> [String])?

    public static let limitName = "limit"
    public static let chatdName = "chatd"
    public static let chatdTLSName = "chatd-tls"
    public static let chatdWebName = "chatd-web"

    /// Tasks and a topic.
    public static let asyncName = "async"
    /// Callbacks: what the other echo servers are measured by.
    public static let echoName = "echo"
    public static let asyncEchoName = "async-echo"

    public static let all: [Relay] = [
        Relay(
            name: limitName, title: "the limit program", source: .product("limit"), arguments: { ["\($0)"] },
            unixArguments: { ["unix:\($0)"] }),
        Relay(
            name: chatdName, title: "chatd", source: .chatd, arguments: { ["--listen", "127.0.0.1:\($0)"] },
            unixArguments: { ["--listen", "unix:\($0)"] }),
        Relay(
            name: "chatd-skip", title: "chatd --slow skip", source: .chatd,
            arguments: { ["--listen", "127.0.0.1:\($0)", "--slow", "skip"] }),
        Relay(
            name: chatdTLSName, title: "chatd over TLS", source: .chatd, isTLS: true,
            arguments: {
                [
                    "--listen", "tls:127.0.0.1:\($0)", "--tls-certificate", BuiltPrograms.certificateName, "--tls-key",
                    BuiltPrograms.keyName,
                ]
            }),
        Relay(
            name: "stunnel", title: "stunnel before chatd", source: .beforeChatd(file: "stunnel.sh"), isTLS: true,
            arguments: { ["\($0)", BuiltPrograms.certificateName, BuiltPrograms.keyName] }),
        Relay(
            name: "ncat-tls", title: "ncat --ssl --broker", source: .installed("ncat"), isTLS: true,
            arguments: {
                [
                    "--broker", "--listen", "--max-conns", "1000", "--ssl", "--ssl-cert", BuiltPrograms.certificateName,
                    "--ssl-key",
                    BuiltPrograms.keyName, "127.0.0.1", "\($0)",
                ]
            }),
        Relay(
            name: chatdWebName, title: "chatd, WebSocket", source: .chatd, wire: .web,
            arguments: { ["--listen", "web:127.0.0.1:\($0)"] }),
        Relay(
            name: "uwebsockets", title: "uWebSockets pub/sub",
            source: .built(tool: "sh") { peers, destination in
                // A library of headers, and one of C under it, that are in no distribution.
                return [
                    "-ec",
                    """
                    cd "${UWEBSOCKETS:?is to be a checkout of github.com/uNetworking/uWebSockets with its submodules}"
                    mkdir -p \(destination).build
                    for file in uSockets/src/*.c uSockets/src/*/*.c; do
                        cc -O3 -DLIBUS_NO_SSL -IuSockets/src -c $file -o \(destination).build/$(basename $file).o
                    done
                    c++ -O3 -std=c++20 -DUWS_NO_ZLIB -DLIBUS_NO_SSL -Isrc -IuSockets/src \(peers)/uwebsockets_relay.cpp \
                        \(destination).build/*.o -o \(destination)
                    """,
                ]
            }, wire: .web, arguments: { ["\($0)"] }),
        Relay(
            name: "nio-web", title: "SwiftNIO, WebSocket", source: .product("nioserver"), wire: .web,
            arguments: { ["web-relay", "\($0)"] }),
        Relay(
            name: "python-websockets", title: "Python websockets",
            source: .built(tool: "sh") { peers, destination in
                [
                    "-ec",
                    """
                    python3 -m venv \(destination).venv
                    \(destination).venv/bin/pip --quiet --disable-pip-version-check install websockets
                    printf '#!/bin/sh\\nexec %s %s "$@"\\n' \(destination).venv/bin/python \(peers)/websockets_relay.py >\(destination)
                    chmod +x \(destination)
                    """,
                ]
            }, wire: .web, arguments: { ["\($0)"] }),
        Relay(
            name: "node-ws", title: "Node's ws",
            source: .built(tool: "sh") { peers, destination in
                [
                    "-ec",
                    """
                    # From Debian's node-ws, also for a Node of another origin.
                    export NODE_PATH=/usr/share/nodejs
                    node -e 'require("ws")' 2>/dev/null || { echo "node-ws is not installed" >&2; exit 1; }
                    printf '#!/bin/sh\\nNODE_PATH=%s exec node %s "$@"\\n' $NODE_PATH \(peers)/ws_relay.js >\(destination)
                    chmod +x \(destination)
                    """,
                ]
            }, wire: .web, arguments: { ["\($0)"] }),
        Relay(
            name: asyncName, title: "relay of tasks", source: .product("reactorserver"),
            arguments: { ["async-relay", "\($0)"] }),
        Relay(name: "nio", title: "SwiftNIO relay", source: .product("nioserver"), arguments: { ["relay", "\($0)"] }),
        Relay(
            name: "nio-async", title: "NIOAsyncChannel relay", source: .product("nioserver"),
            arguments: { ["async-relay", "\($0)"] }),
        Relay(
            name: "nio-async-loop", title: "NIOAsyncChannel relay, tasks on its loop", source: .product("nioserver"),
            arguments: { ["async-relay", "\($0)", "loop"] }),
        Relay(
            name: "libevent", title: "libevent relay",
            source: .built(tool: "cc") { peers, destination in
                ["-O2", "\(peers)/libevent_relay.c", "-levent", "-levent_core", "-o", destination]
            }, arguments: { ["\($0)"] }),
        Relay(
            name: "go", title: "Go relay",
            source: .built(tool: "go") { peers, destination in ["build", "-o", destination, "\(peers)/relay.go"] },
            arguments: { ["\($0)"] }),
        Relay(
            name: "tokio", title: "tokio relay",
            source: .built(tool: "sh") { peers, destination in
                // From Debian's librust-tokio-dev, and so without a network.
                let registry = "/usr/share/cargo/registry"
                return [
                    "-c",
                    """
                    cargo build --quiet --release --offline --manifest-path \(peers)/tokio-relay/Cargo.toml \
                        --target-dir \(destination).build \
                        --config 'source.crates-io.replace-with="debian"' \
                        --config 'source.debian.directory="\(registry)"' \
                        && mv \(destination).build/release/tokio-relay \(destination)
                    """,
                ]
            }, arguments: { ["\($0)"] }),
        Relay(
            name: "python", title: "Python threads", source: .script(interpreter: "python3", file: "threads.py"),
            arguments: { ["\($0)"] }),
        Relay(
            name: "ncat", title: "ncat --broker", source: .installed("ncat"),
            arguments: { ["--broker", "--listen", "--max-conns", "1000", "127.0.0.1", "\($0)"] }),
        Relay(
            name: "redis", title: "Redis pub/sub", source: .installed("redis-server"), wire: .redis,
            arguments: {
                // As it comes, but for what would write to the disk or cut off a subscriber that is busy.
                [
                    "--bind", "127.0.0.1", "--port", "\($0)", "--save", "", "--appendonly", "no", "--maxclients", "19000",
                    "--client-output-buffer-limit", "pubsub 0 0 0",
                ]
            }),
        Relay(
            name: "nats", title: "NATS core", source: .installed("nats-server"), wire: .nats,
            arguments: { ["--addr", "127.0.0.1", "--port", "\($0)"] }),
        Relay(
            name: echoName, title: "echo with callbacks", source: .product("reactorserver"), wire: .echo,
            arguments: { ["echo", "\($0)"] }),
        Relay(
            name: asyncEchoName, title: "echo with tasks", source: .product("reactorserver"), wire: .echo,
            arguments: { ["async-echo", "\($0)"] }),
        Relay(
            name: "nio-async-echo", title: "NIOAsyncChannel echo", source: .product("nioserver"), wire: .echo,
            arguments: { ["async-echo", "\($0)"] }),
        Relay(
            name: "nio-async-loop-echo", title: "NIOAsyncChannel echo, tasks on its loop", source: .product("nioserver"),
            wire: .echo, arguments: { ["async-echo", "\($0)", "loop"] }),
    ]
}
