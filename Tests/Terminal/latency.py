"""How soon a typed key is echoed while lines arrive: see the script beside it."""

import multiprocessing
import os
import sys
import tempfile
import time

from network import PlayedServer
from screen import Screen


#: Those that no control sequence ends in.
LETTERS = b"abcdefgijknopqrstuvwxyz"


def send_lines(connection, rate, stop):
    """Sends lines in lots of a millisecond. They have no letters: a letter on the screen was typed."""
    begin, sent = time.monotonic(), 0
    while not stop.is_set():
        due = int((time.monotonic() - begin) * rate)
        connection.sendall(b"".join(b"%012d %012d\n" % (number, number) for number in range(sent, due)))
        sent = due
        time.sleep(0.001)
    stop.clear()


def main(program, rate, keys):
    home = tempfile.mkdtemp()
    environment = {"HOME": home, "XDG_STATE_HOME": home}
    with PlayedServer() as server, Screen(program, server.address, environment=environment) as screen:
        peer = server.accept()
        peer.send("0\n")
        descriptor = screen.child.child_fd
        received = 0

        def read():
            nonlocal received
            data = os.read(descriptor, 1 << 16)
            received += data.count(b"\n")
            return data

        while b"> " not in read():
            pass
        stop = multiprocessing.Event()
        sender = multiprocessing.Process(target=send_lines, args=(peer.socket, rate, stop), daemon=True)
        sender.start()
        begin = time.monotonic()
        times = []
        for number in range(keys):
            letter = LETTERS[number % len(LETTERS) :][:1]
            start = time.monotonic()
            os.write(descriptor, letter)
            # The letter that was deleted before may still be painted; it is another.
            while letter not in read():
                pass
            times.append(time.monotonic() - start)
            os.write(descriptor, b"\x7f")
            pause = time.monotonic() + 0.005
            while time.monotonic() < pause:
                read()
        seconds = time.monotonic() - begin
        stop.set()
        times.sort()
        milliseconds = [1_000 * times[int(part * (keys - 1))] for part in (0.5, 0.99, 1)]
        print("median {:.2f} ms, p99 {:.2f} ms, most {:.2f} ms".format(*milliseconds), f"with {received / seconds:.0f} lines/s shown")


main(sys.argv[1], int(sys.argv[2]), int(sys.argv[3]))
