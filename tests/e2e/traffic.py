#!/usr/bin/env python3
"""Real traffic for the end-to-end tests and the quick start: small servers and a player.

  traffic.py serve SPEC...     SPEC: tcp:ADDRESS:PORT or udp:ADDRESS:PORT, [v6] in brackets; echoes, prints READY
  traffic.py play [SECONDS]    reads lines "KIND DESTINATION PORT COUNT EXPECT" on stdin and does them in
                               order, again and again for SECONDS; one JSON line for each step and exit 1
                               when one did not end as expected

KIND is tcp, udp, ping, dns (UDP) or dns-tcp; the latter two ask for the name in EXPECT (or "NAME!": no
such name). Otherwise EXPECT is ok, refused, timeout, or sent (no answer is waited for), or any.
Python's standard library only.
"""
import asyncio
import json
import os
import socket
import struct
import sys
import time

TIMEOUT = 2.0  # seconds; above one SYN retransmit, so that a filtered connect shows more than one attempt
PAYLOAD = b"outflow says hello\n"


def split_spec(spec):
    kind, rest = spec.split(":", 1)
    address, port = rest.rsplit(":", 1)
    return kind, address.strip("[]"), int(port)


async def echo_tcp(reader, writer):
    try:
        while data := await reader.read(4096):
            writer.write(data)
            await writer.drain()
    except (ConnectionError, OSError):
        pass  # a client that vanished is part of the tests
    finally:
        writer.close()


class EchoUdp(asyncio.DatagramProtocol):
    def connection_made(self, transport):
        self.transport = transport

    def datagram_received(self, data, addr):
        self.transport.sendto(data, addr)


async def serve(specs):
    loop = asyncio.get_running_loop()
    for kind, address, port in map(split_spec, specs):
        if kind == "tcp":
            await asyncio.start_server(echo_tcp, address, port, backlog=1024)
        else:
            await loop.create_datagram_endpoint(EchoUdp, local_addr=(address, port))
    print("READY", flush=True)
    await asyncio.Event().wait()


def family_of(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def do_tcp(destination, port, payload=PAYLOAD):
    with socket.socket(family_of(destination), socket.SOCK_STREAM) as s:
        s.settimeout(TIMEOUT)
        s.connect((destination, port))
        s.sendall(payload)
        return s.recv(4096)


def do_udp(destination, port, payload=PAYLOAD, wait=True):
    with socket.socket(family_of(destination), socket.SOCK_DGRAM) as s:
        s.settimeout(TIMEOUT)
        s.connect((destination, port))
        s.send(payload)
        return s.recv(4096) if wait else b""


def do_ping(destination):
    v6 = ":" in destination
    protocol = socket.IPPROTO_ICMPV6 if v6 else socket.IPPROTO_ICMP
    identifier = os.getpid() & 0xFFFF
    body = struct.pack("!BBHHH", 128 if v6 else 8, 0, 0, identifier, 1) + PAYLOAD
    if not v6:  # the kernel fills in ICMPv6's checksum
        data = body + b"\0" * (len(body) % 2)
        total = sum(struct.unpack(f"!{len(data) // 2}H", data))
        total = (total & 0xFFFF) + (total >> 16)
        total = ~(total + (total >> 16)) & 0xFFFF
        body = body[:2] + struct.pack("!H", total) + body[4:]
    with socket.socket(family_of(destination), socket.SOCK_RAW, protocol) as s:
        s.connect((destination, 0))
        s.send(body)
        deadline = time.monotonic() + TIMEOUT
        while (left := deadline - time.monotonic()) > 0:
            s.settimeout(left)
            answer = s.recv(4096)
            reply = answer if v6 else answer[(answer[0] & 15) * 4:]
            if reply[0] == (129 if v6 else 0) and reply[4:6] == struct.pack("!H", identifier):
                return reply
    raise TimeoutError


def dns_query(name):
    labels = b"".join(bytes([len(x)]) + x.encode() for x in name.split("."))
    return struct.pack("!6H", os.getpid() & 0xFFFF, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!2H", 1, 1)


def do_dns(destination, port, name, tcp):
    query = dns_query(name)
    if tcp:
        answer = do_tcp(destination, port, struct.pack("!H", len(query)) + query)[2:]
    else:
        answer = do_udp(destination, port, query)
    answers = struct.unpack("!H", answer[6:8])[0]
    if answers == 0:
        raise LookupError
    return answer


def step(kind, destination, port, expect):
    """What came of one try: ok, refused, timeout, sent, absent or the error's name."""
    try:
        if kind == "tcp":
            do_tcp(destination, port)
        elif kind == "udp":
            do_udp(destination, port, wait=expect != "sent")
            if expect == "sent":
                return "sent"
        elif kind == "ping":
            do_ping(destination)
        else:
            do_dns(destination, port, expect.rstrip("!"), kind == "dns-tcp")
        return "ok"
    except LookupError:
        return "absent"
    except ConnectionRefusedError:
        return "refused"
    except (TimeoutError, socket.timeout):
        return "timeout"
    except OSError as error:
        return error.strerror or str(error)


def wanted(kind, expect):
    if kind.startswith("dns") and expect not in ("refused", "timeout"):
        return "absent" if expect.endswith("!") else "ok"
    return expect


def play(seconds):
    lines = [line.split("#")[0].split() for line in sys.stdin]
    steps = [(k, d, int(p), int(n), e) for k, d, p, n, e in filter(None, lines)]
    deadline = time.monotonic() + seconds
    wrong = 0
    while True:
        for kind, destination, port, count, expect in steps:
            got = [step(kind, destination, port, expect) for _ in range(count)]
            ok = expect == "any" or all(g == wanted(kind, expect) for g in got)
            wrong += not ok
            print(json.dumps({"kind": kind, "destination": destination, "port": port, "expect": expect,
                              "got": got, "ok": ok}), flush=True)
        if time.monotonic() >= deadline:
            return 1 if wrong else 0


def main(args):
    if args[:1] == ["serve"] and len(args) > 1:
        asyncio.run(serve(args[1:]))
        return 0
    if args[:1] == ["play"] and len(args) <= 2:
        return play(float(args[1]) if len(args) == 2 else 0.0)
    print(__doc__, file=sys.stderr)
    return 2


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit(130)
