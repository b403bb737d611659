"""The relay that most people write first: sockets and one thread a client. What one recv returns is one message.

    threads.py PORT
"""

import socket
import sys
import threading

clients = []
lock = threading.Lock()


def serve(client):
    while True:
        try:
            message = client.recv(1024)
        except OSError:
            break
        if not message or message.strip() == b"x":
            break
        with lock:
            others = [other for other in clients if other is not client]
        for other in others:
            try:
                other.sendall(message)
            except OSError:
                pass  # its own thread sees it leave
    with lock:
        clients.remove(client)
    client.close()


server = socket.create_server(("127.0.0.1", int(sys.argv[1])), backlog=4096)
print("listening on", sys.argv[1], file=sys.stderr, flush=True)
while True:
    client, _ = server.accept()
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    with lock:
        clients.append(client)
    threading.Thread(target=serve, args=(client,), daemon=True).start()
