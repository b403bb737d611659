#!/usr/bin/env python3
"""Two chatd and a Redis, with a line between one of them and Redis that is cut, reset or stalled at every place of what they say to each other.

    Tests/Cluster/lines.py --chatd .build-redis/debug/chatd

Whatever happens to the line, all clients must hear the same lines in the same order, each once, without their own: what was written and not answered is sent
again, and may come to Redis late, when the old line moves on. What a server does not take, or has missed, it must say to its clients, with the exact number.
Several clusters are tried at a time, each with two chatd of its own, since most of the time nothing is done but waiting. It takes about half a minute.
"""

import argparse
import dataclasses
import os
import re
import selectors
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time

# How long a line stalls: chatd gives up after two seconds, or three in which nobody speaks.
STALL, DELAY = 4.0, 1.0
PATIENCE = 60


# MARK: - The line


@dataclasses.dataclass
class Harm:
    """What happens once to the line, and where: when a message of this command goes in this direction, after a part of it."""

    command: str  # CONNECT is before the first
    way: str  # "forth", to Redis, or "back"
    part: float  # 0 before it, 1 right after it
    kind: str  # cut, reset, stall (this connection), deaf and mute (one direction of it), freeze (all connections), delay
    has_happened: bool = False

    def __str__(self) -> str:
        place = {0: "before", 1: "after"}.get(self.part, "amid")
        return f"{self.kind} {place} {self.command}{' being answered' if self.way == 'back' else ''}"


class Link:
    """A connection of chatd, and the one to Redis that it becomes."""

    def __init__(self, proxy: "Proxy", near: socket.socket):
        self.proxy = proxy
        self.near = near
        self.far = socket.socket(socket.AF_UNIX)
        self.far.connect(proxy.redis)
        self.raw = {"forth": bytearray(), "back": bytearray()}
        # What is left of a message of which a part was passed on.
        self.rest = {"forth": b"", "back": b""}
        self.still_until = {"forth": 0.0, "back": 0.0}
        self.has_ended = {"forth": False, "back": False}
        self.asked: list[str] = []
        self.is_open = True
        for end, way in [(self.near, "forth"), (self.far, "back")]:
            proxy.selector.register(end, selectors.EVENT_READ, (self, way))
        proxy.links.append(self)
        self.harm("CONNECT", "forth")

    def did_get(self, way: str) -> None:
        end = self.near if way == "forth" else self.far
        try:
            data = end.recv(1 << 20)
        except OSError:
            data = b""
        if not data:
            self.has_ended[way] = True
            self.proxy.selector.unregister(end)
        self.raw[way] += data
        self.move(way)

    def move(self, way: str) -> None:
        """Passes on what may be passed on now."""
        while self.is_open and time.monotonic() >= max(self.still_until[way], self.proxy.still_until):
            if self.rest[way]:
                self.rest[way], rest = b"", self.rest[way]
                self.send(way, rest)
                continue
            length = message_end(self.raw[way], 0)
            if length is None:
                if self.has_ended[way]:
                    self.close()
                return
            message = bytes(self.raw[way][:length])
            del self.raw[way][:length]
            if way == "forth":
                command = name_of(message)
                self.asked.append(command)
            else:
                command = self.asked.pop(0) if self.asked else ""
                if command == "XREAD" and message == b"*-1\r\n":
                    command = "nothing"
            part = self.harm(command, way)
            sent = len(message) if part is None else int(len(message) * part)
            self.rest[way] = message[sent:]
            if sent:
                self.send(way, message[:sent])
            if part is not None:
                self.suffer()

    def harm(self, command: str, way: str) -> float | None:
        harm = self.proxy.harm
        if harm is None or harm.has_happened or (harm.command, harm.way) != (command, way):
            return None
        harm.has_happened = True
        if command == "CONNECT":
            self.suffer()
        return harm.part

    def suffer(self) -> None:
        kind = self.proxy.harm.kind
        until = time.monotonic() + (DELAY if kind == "delay" else STALL)
        if kind == "cut":
            self.close()
        elif kind == "reset":
            for end in [self.near, self.far]:
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close()
        elif kind == "freeze":
            self.proxy.still_until = until
        else:
            for way in {"mute": ["forth"], "deaf": ["back"]}.get(kind, ["forth", "back"]):
                self.still_until[way] = until

    def send(self, way: str, data: bytes) -> None:
        try:
            (self.far if way == "forth" else self.near).sendall(data)
        except OSError:
            self.close()

    def close(self) -> None:
        if not self.is_open:
            return
        self.is_open = False
        for end, way in [(self.near, "forth"), (self.far, "back")]:
            if not self.has_ended[way]:
                self.proxy.selector.unregister(end)
            end.close()
        self.proxy.links.remove(self)


class Proxy:
    """Over TCP, where there are resets."""

    def __init__(self, redis: str):
        self.redis = redis
        self.harm: Harm | None = None
        self.links: list[Link] = []
        self.still_until = 0.0
        self.cuts = False
        self.selector = selectors.DefaultSelector()
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.selector.register(self.listener, selectors.EVENT_READ, None)
        threading.Thread(target=self.run, daemon=True).start()

    def run(self) -> None:
        while True:
            for key, _ in self.selector.select(0.02):
                if key.data is None:
                    Link(self, self.listener.accept()[0])
                elif key.data[0].is_open:
                    key.data[0].did_get(key.data[1])
            for link in list(self.links):
                link.move("forth")
                link.move("back")
            if self.cuts:
                self.cuts = False
                for link in list(self.links):
                    link.close()


def message_end(data: bytearray, start: int) -> int | None:
    """Where a whole message of Redis's protocol ends; nil if there is none."""
    line = data.find(b"\r\n", start)
    if line < 0:
        return None
    kind, end = data[start:start + 1], line + 2
    if kind == b"$":
        length = int(data[start + 1:line])
        end += max(length + 2, 0) if length >= 0 else 0
        return end if end <= len(data) else None
    if kind == b"*":
        for _ in range(int(data[start + 1:line])):
            end = message_end(data, end)
            if end is None:
                return None
    return end


def name_of(command: bytes) -> str:
    """That of XADD, of an entry without messages, is MARKER."""
    parts = command.split(b"\r\n", 3)
    name = parts[2].decode()
    return "MARKER" if name == "XADD" and b"\r\n$24\r\n" in command[-40:] else name


# MARK: - Who is at its ends


class Redis:
    def __init__(self, directory: str):
        self.path = f"{directory}/redis.sock"
        self.process = subprocess.Popen(
            ["redis-server", "--port", "0", "--unixsocket", self.path, "--dir", directory, "--save", "", "--appendonly", "no"],
            stdout=subprocess.DEVNULL)
        wait("Redis", lambda: os.path.exists(self.path))

    def command(self, *words: str) -> None:
        subprocess.run(["redis-cli", "-s", self.path, *words], check=True, stdout=subprocess.DEVNULL)


class Client:
    def __init__(self, node: "Node"):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.connect(node.path)
        self.got = bytearray()
        threading.Thread(target=self.read, daemon=True).start()

    def read(self) -> None:
        while data := self.socket.recv(65536):
            self.got += data

    def say(self, line: str) -> None:
        self.socket.sendall(f"{line}\n".encode())

    def lines(self, begin: str = "") -> list[str]:
        """What clients have said, and begins so."""
        return [line for line in self.got.decode().split("\n")[:-1] if line.startswith(begin) and not line.startswith(("! ", "here"))]

    def count(self, notice: str) -> int:
        """The sum of the numbers in notices."""
        return sum(int(number or 1) for number in re.findall(notice, self.got.decode(), re.MULTILINE))


class Node:
    def __init__(self, arguments, name: str, place: str, *options: str):
        self.path = f"{arguments.directory}/{name}.sock"
        self.log = f"{arguments.directory}/{name}.log"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen(
                [arguments.chatd, "--listen", f"unix:{self.path}", "--no-console", "--no-print", "--cluster", place, *options],
                stderr=log, stdout=subprocess.DEVNULL, stdin=subprocess.DEVNULL)
        arguments.processes.append(self.process)
        wait(name, lambda: "the stream is reached" in open(self.log).read())
        self.speaker, self.listener = Client(self), Client(self)


def wait(what: str, is_reached) -> None:
    end = time.monotonic() + PATIENCE
    while not is_reached():
        if time.monotonic() > end:
            raise AssertionError(f"timed out waiting for {what}")
        time.sleep(0.01)


class Cluster:
    """One server behind the line, and one beside Redis."""

    def __init__(self, arguments, redis: Redis, name: str, *options: str):
        self.redis, self.name = redis, name
        self.proxy = Proxy(redis.path)
        self.far = Node(arguments, f"{name}-far", f"redis://127.0.0.1:{self.proxy.port}/{name}", *options)
        self.near = Node(arguments, f"{name}-near", f"unix:{redis.path}/{name}", *options)
        self.clients = [self.far.speaker, self.far.listener, self.near.speaker, self.near.listener]
        wait("all to be there", self.is_complete)

    def is_complete(self) -> bool:
        for client in self.clients:
            client.say("here")
        time.sleep(0.05)
        return all(client.got for client in self.clients)

    def speak(self, harm: Harm, begin: str, count: int = 20) -> None:
        """Both speakers speak while the harm is done."""
        self.proxy.harm = harm
        if harm.command in ["CONNECT", "XINFO", "PING", "MARKER"]:
            self.proxy.cuts = True
        for number in range(count):
            self.far.speaker.say(f"far {begin} {number}")
            self.near.speaker.say(f"near {begin} {number}")
            time.sleep(0.01)
        wait(f"{harm}: it to happen", lambda: harm.has_happened)


# MARK: - What must hold


def try_to_lose(cluster: Cluster, harms: list[Harm]) -> int:
    """Nothing is lost, and nothing is said twice."""
    for number, harm in enumerate(harms):
        begin = f"{number}"
        cluster.speak(harm, begin)
        for node in [cluster.far, cluster.near]:
            wait(f"{harm}: all lines", lambda: all(
                len(node.listener.lines(f"{who} {begin} ")) >= 20 for who in ["far", "near"]))
    # What comes late has come by now, or comes in vain.
    time.sleep(0.5)
    said = [f"{begin} {number}" for begin in range(len(harms)) for number in range(20)]
    heard = cluster.far.listener.lines()
    assert heard == cluster.near.listener.lines(), f"{cluster.name}: two orders"
    for who, speaker in [("far", cluster.far.speaker), ("near", cluster.near.speaker)]:
        own = [line for line in heard if line.startswith(who)]
        assert own == [f"{who} {line}" for line in said], f"{cluster.name}: lost or twice: {set(said) ^ set(own)}"
        assert speaker.lines() == [line for line in heard if not line.startswith(who)], f"{cluster.name}: what speakers hear"
    for client in cluster.clients:
        assert "! " not in client.got.decode(), f"{cluster.name}: {client.got.decode()}"
    return len(harms)


def try_to_drop(cluster: Cluster, harms: list[Harm]) -> int:
    """With hardly any grace time, each line is heard once, or its sender is told that it is not."""
    dropped_before = 0
    for number, harm in enumerate(harms):
        begin = f"{number}"
        cluster.speak(harm, begin)
        count = 20
        # They go on while the server is cut off, until it is back.
        end = time.monotonic() + PATIENCE
        last = -1
        while last < 20:
            assert time.monotonic() < end, f"{harm}: it does not come back"
            cluster.far.speaker.say(f"far {begin} {count}")
            count += 1
            time.sleep(0.02)
            if time.monotonic() > cluster.proxy.still_until:
                last = max((int(line.split()[2]) for line in cluster.near.listener.lines(f"far {begin} ")), default=-1)
        time.sleep(0.5)
        heard = [int(line.split()[2]) for line in cluster.near.listener.lines(f"far {begin} ")]
        dropped = cluster.far.speaker.count(DROPPED) - dropped_before
        dropped_before += dropped
        assert len(heard) + dropped == count, f"{harm}: {count} said, {len(heard)} heard, {dropped} dropped"
        assert heard == sorted(set(heard)), f"{harm}: twice, or in another order: {heard}"
        assert dropped > 0, f"{harm}: nothing was dropped"
    heard = cluster.far.listener.lines("near")
    assert heard == cluster.near.listener.lines("near") and len(heard) == 20 * len(harms), f"{cluster.name}: those beside"
    return len(harms)


def try_to_trim(cluster: Cluster, harms: list[Harm]) -> int:
    """What was taken out of the stream while the line was away is counted."""
    for number, harm in enumerate(harms):
        begin = f"{number}"
        cluster.speak(harm, begin)
        time.sleep(0.1)
        cluster.redis.command("XTRIM", f"chatd:{cluster.name}", "MAXLEN", "0")
        wait(f"{harm}: it to go on", lambda: time.monotonic() > cluster.proxy.still_until)
        cluster.near.speaker.say(f"near {begin} 20")
        wait(f"{harm}: the end", lambda: cluster.far.listener.lines(f"near {begin} 20"))
        wait(f"{harm}: the end", lambda: cluster.near.listener.lines(f"far {begin} 19") or cluster.near.listener.count(LOST))
        time.sleep(0.5)
    for client, who in [(cluster.far.listener, "far"), (cluster.near.listener, "near")]:
        heard, lost = client.lines(), client.count(LOST)
        assert len(heard) == len(set(heard)), f"{cluster.name}: twice"
        assert len(heard) + lost == 41 * len(harms), f"{cluster.name}: {who}: {len(heard)} heard, {lost} lost"
    return len(harms)


DROPPED = r"^! (?:that was|those (\d+) messages were) not relayed"
LOST = r"^! (?:1 message was|(\d+) messages were) lost"

PLACES = [
    ("CONNECT", "forth", 0), ("XINFO", "forth", 0.5), ("XINFO", "back", 0.5), ("PING", "back", 0.5), ("MARKER", "forth", 0.5), ("MARKER", "forth", 1),
    ("XADD", "forth", 0), ("XADD", "forth", 0.5), ("XADD", "forth", 1), ("XADD", "back", 0.5),
    ("XREAD", "forth", 0.5), ("XREAD", "forth", 1), ("XREAD", "back", 0), ("XREAD", "back", 0.5),
]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--chatd", required=True)
    parser.add_argument("--only", default="", help="only what has this in its name, such as 'stall amid XADD'")
    arguments = parser.parse_args()
    arguments.directory = tempfile.mkdtemp()
    arguments.processes = []
    redis = None
    failures, done, lock = [], [0], threading.Lock()

    def run(check, name: str, harms: list[Harm], *options: str) -> None:
        harms = [harm for harm in harms if arguments.only in f"{harm}"]
        if not harms:
            return
        try:
            count = check(Cluster(arguments, redis, name, *options), harms)
            with lock:
                done[0] += count
        except Exception as failure:
            failures.append(f"{name}: {failure!r}")

    try:
        redis = Redis(arguments.directory)
        jobs = []
        for index, kinds in enumerate([["cut", "reset", "delay"], ["stall"], ["mute"], ["deaf"], ["freeze"]]):
            for half in [PLACES[:7], PLACES[7:]]:
                harms = [Harm(*place, kind) for kind in kinds for place in half]
                jobs.append((try_to_lose, f"{kinds[0]}{len(jobs)}", harms, "--cluster-grace", "60s"))
        for check, name, grace in [(try_to_drop, "drop", "200ms"), (try_to_trim, "trim", "60s")]:
            for half in [PLACES[6:10], PLACES[10:]]:
                jobs.append((check, f"{name}{len(jobs)}", [Harm(*place, "freeze") for place in half], "--cluster-grace", grace))
        threads = [threading.Thread(target=run, args=job) for job in jobs]
        began = time.monotonic()
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        print(f"{done[0]} harms to the line, in {time.monotonic() - began:.0f} s")
        for failure in failures:
            print(f"FAILED: {failure}")
        for process in arguments.processes:
            if process.poll() is not None:
                failures.append("ended")
                print(f"FAILED: a server ended by itself, with {process.returncode}")
        sys.exit(1 if failures or not done[0] else 0)
    finally:
        for process in arguments.processes + ([redis.process] if redis else []):
            process.kill()
            process.wait()
        shutil.rmtree(arguments.directory, ignore_errors=True)


main()
