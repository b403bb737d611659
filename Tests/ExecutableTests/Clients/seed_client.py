"""The client that the chat began with: it sends what is typed without a newline, and one recv is one message."""
import socket
import sys
import threading

connection = socket.create_connection((sys.argv[1], int(sys.argv[2])))


def listen():
    while message := connection.recv(1024):
        sys.stdout.buffer.write(message)
        sys.stdout.buffer.flush()


listener = threading.Thread(target=listen)
listener.start()
for line in sys.stdin.buffer:
    message = line.rstrip(b"\n")
    connection.sendall(message)
    if message == b"x":
        break
# Until the server has closed the connection.
listener.join()
