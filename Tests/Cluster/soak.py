#!/usr/bin/env python3
"""Three chatd and a Redis, killed and started again under load, one after the other; every line at every client is compared with the stream.

    Tests/Cluster/soak.py --chatd .build-redis/debug/chatd --kills 50

Each client must have got what is in the stream from its first line to its last, in that order, once, byte for byte, without its own lines; and those who
are there at the end, to the stream's end. Redis keeps what it has answered (appendonly), so nothing may be lost: a notice of lost messages is a failure.
"""

import argparse
import os
import random
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

HEAD = struct.Struct("<QQII")


def decode(entry: bytes):
    """Node, number of the first message, and the messages, of an entry of the stream: see StreamEntry.swift."""
    node, first, _session, run_count = HEAD.unpack_from(entry)
    position = HEAD.size
    counts = []
    for _ in range(run_count):
        counts.append(struct.unpack_from("<QI", entry, position)[1])
        position += 12
    lengths = struct.unpack_from(f"<{sum(counts)}I", entry, position)
    position += 4 * len(lengths)
    messages = []
    for length in lengths:
        messages.append(entry[position:position + length])
        position += length
    assert position == len(entry), "an entry has more than its messages"
    return node, first, messages


class Redis:
    def __init__(self, directory: str):
        self.directory = directory
        self.path = f"{directory}/redis.sock"
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            ["redis-server", "--port", "0", "--unixsocket", self.path, "--dir", self.directory, "--save", "", "--appendonly", "yes",
             "--appendfsync", "no"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def restart(self):
        self.process.kill()
        self.process.wait()
        time.sleep(random.uniform(0, 1))
        self.start()

    def command(self, *arguments: str):
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(30)
        connection.connect(self.path)
        connection.sendall(b"*%d\r\n" % len(arguments) + b"".join(b"$%d\r\n%s\r\n" % (len(a), a.encode()) for a in arguments))
        with connection, connection.makefile("rb") as stream:
            return self.reply(stream)

    def reply(self, stream):
        line = stream.readline()
        kind, rest = line[:1], line[1:-2]
        if kind == b"-":
            raise RuntimeError(rest.decode())
        if kind == b"*":
            return [self.reply(stream) for _ in range(int(rest))]
        if kind == b"$":
            data = stream.read(int(rest) + 2)
            return data[:-2]
        return rest

    def lines(self, key: str) -> list[bytes]:
        """What was said, in the stream's order; of what was written twice, the first."""
        said, next_number = [], {}
        for _id, fields in self.command("XRANGE", key, "-", "+"):
            node, first, messages = decode(fields[1])
            if not messages:
                continue
            known = next_number.get(node, first)
            if first < known:
                continue
            assert first == known, f"the stream lacks {first - known} messages of a node"
            next_number[node] = first + len(messages)
            said += messages
        return said


class Node:
    def __init__(self, number: int, arguments):
        self.number, self.arguments = number, arguments
        self.clients = []
        self.start()

    def start(self):
        self.path = f"{self.arguments.directory}/node{self.number}.sock"
        self.log = open(f"{self.arguments.directory}/node{self.number}.log", "ab")
        self.process = subprocess.Popen(
            [self.arguments.chatd, "--listen", f"unix:{self.path}", "--no-console", "--no-print", "--cluster", self.arguments.cluster,
             "--loops", str(self.arguments.loops), "--cluster-grace", "60s", "--cluster-length", "10000000"], stderr=self.log)
        deadline = time.time() + 30
        while True:
            try:
                self.clients = [Client(self, f"{self.number}.{index}") for index in range(self.arguments.clients)]
                return
            except OSError:
                if time.time() > deadline or self.process.poll() is not None:
                    raise
                time.sleep(0.02)

    def restart(self):
        self.process.kill()
        self.process.wait()
        for client in self.clients:
            client.isWhole = False
        time.sleep(random.uniform(0, 0.5))
        self.start()


class Client:
    all: list["Client"] = []
    count = 0

    def __init__(self, node: Node, name: str):
        Client.count += 1
        self.name = f"{name}.{Client.count}"
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(node.path)
        self.got = bytearray()
        self.isWhole = True
        self.said = 0
        Client.all.append(self)
        threading.Thread(target=self.read, daemon=True).start()
        threading.Thread(target=self.write, args=(node.arguments,), daemon=True).start()

    def read(self):
        try:
            while data := self.socket.recv(65536):
                self.got += data
        except OSError:
            pass

    def write(self, arguments):
        generator = random.Random(self.name)
        try:
            while not arguments.ends.is_set():
                line = f"{self.name} {self.said} ".encode() + bytes(generator.choice(b"abc\xff\xc3\x80") for _ in range(generator.randrange(200)))
                self.socket.sendall(line + b"\n")
                self.said += 1
                time.sleep(generator.uniform(0, 2 / arguments.rate))
        except OSError:
            pass

    def check(self, said: list[bytes]) -> str:
        lines = bytes(self.got).split(b"\n")
        lines.pop()
        notices = [line for line in lines if line.startswith(b"! ")]
        if notices:
            return f"was told {notices[0]!r}"
        lines = [line + b"\n" for line in lines]
        own = self.name.encode() + b" "
        others = [line for line in said if not line.startswith(own)]
        if not lines:
            return "" if not self.isWhole else "got nothing"
        if lines[0] not in others:
            return f"got {lines[0]!r}, which the stream has not"
        start = others.index(lines[0])
        expected = others[start:] if self.isWhole else others[start:start + len(lines)]
        if lines == expected:
            return ""
        for index, (line, wanted) in enumerate(zip(lines, expected)):
            if line != wanted:
                return f"line {index} is {line!r}, and not {wanted!r}"
        return f"got {len(lines)} lines, and not {len(expected)}"


def kill_in_turn(processes, kills: int, least: float, most: float):
    """Kills each of the processes and starts it again, one after the other, with so many seconds between two of them."""
    for kill in range(kills):
        time.sleep(random.uniform(least, most))
        for number, one in enumerate(processes):
            if one.process.poll() is not None:
                sys.exit(f"process {number} ended by itself, with {one.process.returncode}")
        processes[kill % len(processes)].restart()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--chatd", required=True)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--nodes", type=int, default=3)
    parser.add_argument("--loops", type=int, default=1, help="of each node")
    parser.add_argument("--clients", type=int, default=3, help="at each node")
    parser.add_argument("--rate", type=float, default=100, help="lines a second of each client")
    parser.add_argument("--pause", type=float, default=1, help="seconds between two kills, at most twice")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}", flush=True)
    random.seed(arguments.seed)
    arguments.ends = threading.Event()
    arguments.directory = tempfile.mkdtemp()
    arguments.cluster = f"unix:{arguments.directory}/redis.sock/soak"
    processes = []
    try:
        redis = Redis(arguments.directory)
        nodes = [Node(number, arguments) for number in range(arguments.nodes)]
        processes = [redis, *nodes]
        kill_in_turn(processes, arguments.kills, 0, 2 * arguments.pause)
        time.sleep(3)
        arguments.ends.set()
        last = -1
        # Until nothing comes any more.
        while last != (last := sum(len(client.got) for client in Client.all)):
            time.sleep(3)
        said = redis.lines("chatd:soak")
        failures = [(client.name, failure) for client in Client.all if (failure := client.check(said))]
        checked = sum(client.got.count(b"\n") for client in Client.all)
        print(f"{arguments.kills} kills, {len(said)} lines in the stream, {len(Client.all)} clients, {checked} lines checked")
        # What clients of the last generation have said is in the stream: nobody of theirs was killed.
        for client in Client.all:
            if client.isWhole:
                count = sum(line.startswith(client.name.encode() + b" ") for line in said)
                if count != client.said:
                    failures.append((client.name, f"has said {client.said} lines, of which the stream has {count}"))
        for name, failure in failures:
            print(f"FAILED: client {name}: {failure}")
        if failures:
            for node in nodes:
                print(open(f"{arguments.directory}/node{node.number}.log", errors="replace").read()[-2000:])
        sys.exit(1 if failures else 0)
    finally:
        for one in processes:
            one.process.kill()
        shutil.rmtree(arguments.directory, ignore_errors=True)


if __name__ == "__main__":
    main()
