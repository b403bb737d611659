// A relay on Node's `ws`, as its documentation suggests: what one client sends is sent to each of the others.
//
//     ws_relay.js PORT

const { WebSocket, WebSocketServer } = require("ws");

const server = new WebSocketServer({ host: "127.0.0.1", port: Number(process.argv[2]), path: "/ws", backlog: 4096 });
server.on("connection", (client) => {
    client.on("error", () => {});
    client.on("message", (message, isBinary) => {
        for (const other of server.clients) {
            if (other !== client && other.readyState === WebSocket.OPEN) other.send(message, { binary: isBinary });
        }
    });
});
