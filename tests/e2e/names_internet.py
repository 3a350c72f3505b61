#!/usr/bin/env python3
"""The internet of the tests of names: the servers of made-up zones, and hosts that answer whoever comes.

  names_internet.py CERTIFICATE ADDRESS...    DNS on the ADDRESSes (port 53, UDP and TCP), and on every
                                              address TCP and TLS on 443 and 853 (echo), HTTP on 80,
                                              UDP on 443 (echo); prints READY

CERTIFICATE: a PEM file with its key. Needs python3-dnspython. Only documentation names and addresses,
and the one pair of real ones that Outflow's first question was about: they are routed in the test alone.
"""
import itertools
import socket
import socketserver
import ssl
import sys
import threading

import dns.flags
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

POOL = [f"203.0.113.{i}" for i in range(101, 141)]
POOL_A_MESSAGE = 4
BIG = [f"198.51.100.{i}" for i in range(100, 200)]  # 100 addresses are 1.6 kB: two segments of a TCP stream
ZONE = {  # name -> {type: (TTL, data)}; a CNAME is followed within one message
    "shop.example.com": {"CNAME": (300, ["shop.edge.example.net."])},
    "shop.edge.example.net": {"CNAME": (60, ["e7.edge.example.net."])},
    "e7.edge.example.net": {"CNAME": (60, ["shared.cdn.example.org."])},
    "img.example.com": {"CNAME": (300, ["img.edge.example.net."])},
    "img.edge.example.net": {"CNAME": (60, ["e9.edge.example.net."])},
    "e9.edge.example.net": {"CNAME": (60, ["shared.cdn.example.org."])},
    "shared.cdn.example.org": {"A": (20, ["198.51.100.60"])},
    "six.example.com": {"AAAA": (300, ["2001:db8:80::66"])},
    "big.example.com": {"A": (300, BIG)},
    "api.search.example.com": {"A": (300, ["198.51.100.30"])},
    "near.example.com": {"A": (300, ["198.51.100.31"])},
    "away.example.com": {"A": (300, ["198.51.100.32"])},
    "hint.example.com": {"HTTPS": (300, ["1 . alpn=h2 ipv4hint=198.51.100.33 ipv6hint=2001:db8:80::33"])},
    "web.example.com": {"A": (300, ["198.51.100.34"])},
    "one.example.com": {"A": (300, ["198.51.100.35"])},
    "two.example.com": {"A": (300, ["198.51.100.35"])},
    "gap.example.com": {"A": (300, ["198.51.100.36"])},
    "quic.example.com": {"A": (300, ["198.51.100.37"])},
    "integrate.api.nvidia.com": {"A": (60, ["99.83.136.103", "75.2.113.119"])},
}
ONLY_BY_TCP = "big.example.com"
ROTATING = "pool.example.com"
turns = itertools.cycle(range(0, len(POOL), POOL_A_MESSAGE))
turn_lock = threading.Lock()


def rotated():
    with turn_lock:
        start = next(turns)
    # No cache keeps a TTL of 0 (RFC 1035 3.2.1), so that each answer is a draw from the pool and the test need not wait.
    return (0, POOL[start:start + POOL_A_MESSAGE])


def answer(wire, by_tcp):
    """The reply to a query: the whole chain in one message, as an authority for all of it sends it."""
    query = dns.message.from_wire(wire)
    reply = dns.message.make_response(query, recursion_available=True)
    reply.flags |= dns.flags.AA
    question = query.question[0]
    kind = dns.rdatatype.to_text(question.rdtype)
    name = question.name.to_text(omit_final_dot=True).lower()
    if name == ONLY_BY_TCP and not by_tcp:
        reply.flags |= dns.flags.TC
        return reply.to_wire()
    zone = ZONE | {ROTATING: {"A": rotated()}} if name == ROTATING else ZONE
    if name not in zone:
        reply.set_rcode(dns.rcode.NXDOMAIN)
        return reply.to_wire()
    while name in zone:
        found = "CNAME" if "CNAME" in zone[name] else kind
        if found not in zone[name]:
            break
        ttl, data = zone[name][found]
        reply.answer.append(dns.rrset.from_text_list(name + ".", ttl, "IN", found, data))
        if found != "CNAME":
            break
        name = data[0].rstrip(".")
    return reply.to_wire(max_size=65535)


class DnsUdp(socketserver.BaseRequestHandler):
    def handle(self):
        wire, sender = self.request
        sender.sendto(answer(wire, False), self.client_address)


class DnsTcp(socketserver.StreamRequestHandler):
    def handle(self):
        while len(head := self.rfile.read(2)) == 2:
            wire = answer(self.rfile.read(int.from_bytes(head, "big")), True)
            self.wfile.write(len(wire).to_bytes(2, "big") + wire)


class Echo(socketserver.BaseRequestHandler):
    def handle(self):
        try:
            stream = self.request
            if stream.recv(1, socket.MSG_PEEK) == b"\x16":  # a TLS record with a handshake (RFC 8446 5.1)
                stream = self.server.tls.wrap_socket(stream, server_side=True)
            while data := stream.recv(4096):
                stream.sendall(data)
        except OSError:
            pass  # a client that vanished is part of the tests


class Http(socketserver.StreamRequestHandler):
    def handle(self):
        while self.rfile.readline().strip():
            pass
        self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nok\n")


class EchoUdp(socketserver.BaseRequestHandler):
    def handle(self):
        data, sender = self.request
        sender.sendto(data, self.client_address)


def spawn(kind, handler, address, port):
    """A server in threads of its own; every address of both families when `address` is "::"."""
    class Server(kind):
        address_family = socket.AF_INET6 if ":" in address else socket.AF_INET
        allow_reuse_address = daemon_threads = True
        request_queue_size = 1024

    server = Server((address, port), handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def main(certificate, addresses):
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    for address in addresses:
        spawn(socketserver.ThreadingUDPServer, DnsUdp, address, 53)
        spawn(socketserver.ThreadingTCPServer, DnsTcp, address, 53)
    for port in (443, 853):
        spawn(socketserver.ThreadingTCPServer, Echo, "::", port).tls = tls
    spawn(socketserver.ThreadingTCPServer, Http, "::", 80)
    # Of an address of its own: a wildcard's reply would leave from another one.
    spawn(socketserver.UDPServer, EchoUdp, "198.51.100.37", 443)
    print("READY", flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    main(sys.argv[1], sys.argv[2:])
