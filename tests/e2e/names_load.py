#!/usr/bin/env python3
"""Many DNS answers a second, for names_load.sh: a server that does nothing else, and who asks it.

  names_load.py serve ADDRESS             answers on port 53; prints READY
  names_load.py ask ADDRESS RATE SECONDS  RATE questions a second, at most WINDOW of them without an answer, so that
                                          no queue between the two is ever too short; one JSON line with what came

Names are n0.load.example.com to n7, each with 64 addresses, one an answer. Python's standard library only: messages
are made once and patched.
"""
import json
import socket
import struct
import sys
import time

NAMES = 8
ADDRESSES = 64  # 203.0.113.0 to .63, only ever told
WINDOW = 128
TTL_SECONDS = 300


def question(number):
    labels = (f"n{number}", "load", "example", "com")
    return b"".join(bytes([len(x)]) + x.encode() for x in labels) + b"\0" + struct.pack("!2H", 1, 1)


def serve(address):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind((address, 53))
    print("READY", flush=True)
    turns = {}
    while True:
        query, client = s.recvfrom(512)
        asked = query[12:]
        turn = turns[asked] = (turns.get(asked, -1) + 1) % ADDRESSES
        # The header (RFC 1035 4.1.1): an answer with one question and one record, whose name is the question's.
        head = query[:2] + struct.pack("!5H", 0x8180, 1, 1, 0, 0)
        record = struct.pack("!3HIH4B", 0xC00C, 1, 1, TTL_SECONDS, 4, 203, 0, 113, turn)
        s.sendto(head + asked + record, client)


def ask(address, rate, seconds):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.connect((address, 53))
    questions = [question(i) for i in range(NAMES)]
    wanted = int(rate * seconds)
    sent = came = 0
    start = time.monotonic()
    while came < wanted:
        due = min(wanted, int((time.monotonic() - start) * rate) + 1, came + WINDOW)
        while sent < due:
            s.send(struct.pack("!6H", sent & 0xFFFF, 0x0100, 1, 0, 0, 0) + questions[sent % NAMES])
            sent += 1
        s.settimeout(5.0 if sent - came >= WINDOW or sent == wanted else 0.001)
        try:
            s.recv(512)
            came += 1
        except TimeoutError:
            if s.gettimeout() > 1:
                break
    took = time.monotonic() - start
    print(json.dumps({"sent": sent, "came": came, "a_second": round(came / took)}))
    return 0 if came == sent == wanted else 1


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"] and len(sys.argv) == 3:
        serve(sys.argv[2])
    elif sys.argv[1:2] == ["ask"] and len(sys.argv) == 5:
        sys.exit(ask(sys.argv[2], float(sys.argv[3]), float(sys.argv[4])))
    else:
        sys.exit(__doc__)
