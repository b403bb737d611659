#!/usr/bin/env python3
"""Three chatd that are one chat, and a Redis, killed and started again under load, one after the other.

    Tests/Cluster/chats.py --chatd .build-traits/debug/chatd --kills 50

Programs are at all of them, and whenever one loses its server it comes back to another and goes on where it has stopped, by /resume. Whatever two of them get
under one number must be the same; each must have got every number from its first to its last, once and in order, but for its own doings and for those that
it was told are missing; and at the end all servers name the same people. Redis keeps what it has answered (appendonly), so nothing may be missing.
"""

import argparse
import collections
import json
import os
import random
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

# Nothing is to be left in the folder.
sys.dont_write_bytecode = True
from soak import Redis, kill_in_turn  # noqa: E402


class Node:
    def __init__(self, number: int, arguments):
        self.path = f"{arguments.directory}/node{number}.sock"
        self.arguments = arguments
        self.log = open(f"{arguments.directory}/node{number}.log", "ab")
        self.start()

    def start(self):
        self.logged = os.path.getsize(self.log.name)
        self.process = subprocess.Popen(
            [self.arguments.chatd, "--listen", f"unix:{self.path}", "--no-console", "--no-print", "--chat", "--room-size", "16m",
             "--loops", str(self.arguments.loops), "--cluster", self.arguments.cluster, "--cluster-length", "1000000"], stderr=self.log)

    def is_one(self):
        """Whether it knows what there is to know: at least one of its loops has become a server of the chat."""
        with open(self.log.name, "rb") as log:
            log.seek(self.logged)
            return b"the chat is one with" in log.read()

    def restart(self):
        # What all of them know is gone if all are killed before one has told another.
        while not any(other.is_one() for other in self.others):
            time.sleep(0.05)
        self.process.kill()
        self.process.wait()
        time.sleep(random.uniform(0, 0.5))
        self.start()


class Program:
    """Somebody who says numbered lines, and keeps its place in the lobby."""

    all: list["Program"] = []
    # What was got first under an epoch and a number, and by whom.
    truth: dict[tuple[int, int], tuple] = {}
    lock = threading.Lock()

    def __init__(self, number: int, nodes, arguments):
        self.name, self.nodes, self.arguments = f"p{number}", nodes, arguments
        self.names = set()
        self.epoch, self.last, self.first = None, 0, None
        self.got: dict[int, set[int]] = collections.defaultdict(set)
        self.gaps = 0
        self.awaited = 0
        self.failures: list[str] = []
        self.sessions = 0
        self.random = random.Random(f"{arguments.seed} {number}")
        Program.all.append(self)
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while not self.arguments.ends.is_set():
            try:
                with socket.socket(socket.AF_UNIX) as connection:
                    connection.settimeout(60)
                    connection.connect(self.random.choice(self.nodes).path)
                    self.converse(connection)
            except OSError:
                pass
            time.sleep(self.random.uniform(0, 0.2))

    def converse(self, connection):
        lines = connection.makefile("r", encoding="utf-8")
        # Two welcomes answer that: what comes before the second one comes again.
        self.awaited = 1 if self.epoch is None else 2
        resume = "" if self.epoch is None else f"/resume lobby {self.epoch} {self.last}\n"
        self.sessions += bool(resume)
        connection.sendall(f"/json\n{resume}/nick {self.name}\n/ping\n".encode())
        said, due = 0, time.time()
        for line in lines:
            # What comes before is for people.
            if not line.startswith("{"):
                continue
            it = json.loads(line)
            self.take(it)
            if it["type"] != "pong":
                continue
            if self.arguments.isOver.is_set():
                return
            if self.awaited == 0 and time.time() >= due and not self.arguments.ends.is_set():
                connection.sendall(f"{self.name} says {said}\n".encode())
                said += 1
                due = time.time() + self.random.uniform(0, 2 / self.arguments.rate)
                if self.name not in self.names and said % 20 == 0:
                    connection.sendall(f"/nick {self.name}\n".encode())
            time.sleep(min(max(due - time.time(), 0), 0.02))
            connection.sendall(b"/ping\n")

    def take(self, it):
        kind = it["type"]
        if kind == "welcome":
            self.awaited -= 1
            self.names.add(it["name"])
            if self.awaited == 0 and it["epoch"] != self.epoch:
                # The first time; or all servers have begun anew.
                self.epoch, self.last, self.first = it["epoch"], it["seq"], it["seq"] + 1
        elif kind == "notice" and "name" in it:
            self.names.add(it["name"])
        elif self.awaited > 0:
            return
        elif kind == "gap":
            self.gaps += 1
        elif kind == "sent":
            self.got[self.epoch].add(it["seq"])
        elif "seq" in it:
            self.place(it)

    def place(self, it):
        sequence = it["seq"]
        if sequence <= self.last:
            self.failures.append(f"got {it} after number {self.last}")
        self.last = max(self.last, sequence)
        self.got[self.epoch].add(sequence)
        self.note(sequence, content(it))

    def note(self, sequence, it):
        with Program.lock:
            known = Program.truth.setdefault((self.epoch, sequence), it)
        if known != it:
            self.failures.append(f"number {sequence} is {it}, and another has got {known}")

    def check(self) -> list[str]:
        failures = list(self.failures[:3])
        got = self.got[self.epoch]
        for sequence in range(self.first, max(got, default=0)):
            if sequence in got:
                continue
            it = Program.truth.get((self.epoch, sequence))
            # What it has done itself it is not told, but for what it has said.
            if it and (it[1] in self.names or it[2] in self.names):
                continue
            failures.append(f"lacks number {sequence}: {it}")
            break
        return failures


def content(it):
    return (it["type"], it.get("from"), it.get("to"), it.get("text"), it["time"])


def history(node: Node, epoch: int) -> dict[tuple[int, int], tuple]:
    """All that a server keeps of the lobby."""
    records, welcomes = {}, 0
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(30)
        connection.connect(node.path)
        connection.sendall(f"/json\n/resume lobby {epoch} 0\n".encode())
        for line in connection.makefile("r", encoding="utf-8"):
            it = json.loads(line) if line.startswith("{") else {"type": ""}
            welcomes += it["type"] == "welcome"
            if it["type"] == "history-end" and welcomes == 2:
                return records
            if it.get("replayed") and welcomes == 2:
                records[epoch, it["seq"]] = content(it)


def people(node: Node) -> list[str]:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(30)
        connection.connect(node.path)
        connection.sendall(b"/json\n/who\n")
        for line in connection.makefile("r"):
            if line.startswith("{") and (it := json.loads(line))["type"] == "who":
                return sorted(name for name in it["names"] if not name.startswith("guest"))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--chatd", required=True)
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--nodes", type=int, default=3)
    parser.add_argument("--loops", type=int, default=1, help="of each node")
    parser.add_argument("--programs", type=int, default=12)
    parser.add_argument("--rate", type=float, default=20, help="lines a second of each program")
    parser.add_argument("--pause", type=float, default=1.5, help="seconds between two kills, and at most twice")
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    arguments = parser.parse_args()
    print(f"seed {arguments.seed}", flush=True)
    random.seed(arguments.seed)
    arguments.ends, arguments.isOver = threading.Event(), threading.Event()
    arguments.directory = tempfile.mkdtemp()
    arguments.cluster = f"unix:{arguments.directory}/redis.sock/soak"
    processes = []
    try:
        redis = Redis(arguments.directory)
        nodes = [Node(number, arguments) for number in range(arguments.nodes)]
        for node in nodes:
            node.others = [other for other in nodes if other is not node]
        processes = [redis, *nodes]
        time.sleep(5)
        for number in range(arguments.programs):
            Program(number, nodes, arguments)
        kill_in_turn(processes, arguments.kills, arguments.pause, 2 * arguments.pause)
        # Until those who were killed last are missed.
        time.sleep(15)
        arguments.ends.set()
        time.sleep(3)
        named = [people(node) for node in nodes]
        kept = [history(node, Program.all[0].epoch) for node in nodes]
        arguments.isOver.set()
        for program in Program.all:
            program.thread.join(10)
        # What somebody has done alone, nobody was told of.
        for key, it in kept[0].items():
            Program.truth.setdefault(key, it)
        failures = [f"program {program.name}: {failure}" for program in Program.all for failure in program.check()]
        if any(names != named[0] for names in named):
            failures.append(f"the servers name {named}")
        for number, records in enumerate(kept):
            wrong = [(key, it, Program.truth.get(key)) for key, it in records.items() if Program.truth.get(key) != it]
            if wrong:
                failures.append(f"server {number} keeps others than it has said: {wrong[:3]}")
        checked = sum(len(got) for program in Program.all for got in program.got.values())
        print(f"{arguments.kills} kills, {len(Program.truth)} records, {checked} checked at {len(Program.all)} programs, which have"
              f" resumed {sum(program.sessions for program in Program.all)} times and were told of {sum(program.gaps for program in Program.all)} gaps")
        for failure in failures:
            print(f"FAILED: {failure}")
        if failures:
            for number in range(len(nodes)):
                print(open(f"{arguments.directory}/node{number}.log", errors="replace").read()[-1500:])
        sys.exit(1 if failures else 0)
    finally:
        for one in processes:
            one.process.kill()
        shutil.rmtree(arguments.directory, ignore_errors=True)


main()
