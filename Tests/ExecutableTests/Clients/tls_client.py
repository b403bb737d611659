"""A client by Python's ssl: tls_client.py PORT AUTHORITIES NAME. Standard input goes to the server, and what comes to standard output."""

import socket
import ssl
import sys
import threading

port, authorities, name = sys.argv[1:]
context = ssl.create_default_context(cafile=authorities)
with socket.create_connection(("127.0.0.1", int(port))) as plain, context.wrap_socket(plain, server_hostname=name) as connection:

    def copy():
        for line in sys.stdin:
            connection.sendall(line.encode())

    threading.Thread(target=copy, daemon=True).start()
    while data := connection.recv(65536):
        sys.stdout.buffer.write(data)
        sys.stdout.flush()
