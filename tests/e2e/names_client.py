#!/usr/bin/env python3
"""What a pod does in the tests of names: asks a resolver, and dials. To be run in the pod's namespace.

  names_client.py     reads steps on stdin, does them in order, one JSON line for each; exit 1 at the first
                      that does not end as it should

  ask RESOLVER NAME TYPE [tcp]       must be told something; after TC over UDP by TCP, as a stub resolver does
  search RESOLVER NAME NAMESPACE     as with a pod's resolv.conf (ndots:5): the search list first, A and AAAA
  dial ADDRESS PORT                  TCP, sends and reads
  tls ADDRESS PORT [SERVERNAME]      a TLS handshake with that server name, or none
  http ADDRESS PORT HOST             a request
  quic ADDRESS PORT                  a datagram with a QUIC long header
  pool RESOLVER NAME TIMES PORT      asks so often; then dials every address it was told once

Needs python3-dnspython.
"""
import json
import os
import socket
import ssl
import sys

import dns.flags
import dns.message
import dns.query
import dns.rdatatype

TIMEOUT = 5.0  # seconds
PAYLOAD = b"outflow says hello\n"
EDNS_BYTES = 1232  # what resolvers ask for since the flag day of 2020


def addresses_of(reply):
    """Every address the reply tells, hints of HTTPS records among them."""
    out = []
    for rrset in reply.answer:
        for data in rrset:
            if rrset.rdtype in (dns.rdatatype.A, dns.rdatatype.AAAA):
                out.append(data.address)
            elif rrset.rdtype == dns.rdatatype.HTTPS:
                out += [a for key in (4, 6) for a in getattr(data.params.get(key), "addresses", [])]
    return out


def exchange(resolver, name, kind, by_tcp=False):
    query = dns.message.make_query(name, kind, use_edns=0, payload=EDNS_BYTES)
    if by_tcp:
        return dns.query.tcp(query, resolver, TIMEOUT)
    reply = dns.query.udp(query, resolver, TIMEOUT)
    return dns.query.tcp(query, resolver, TIMEOUT) if reply.flags & dns.flags.TC else reply


def ask(resolver, name, kind, *how):
    told = addresses_of(exchange(resolver, name, kind, how == ("tcp",)))
    if not told:
        raise LookupError(f"{resolver} tells no {kind} of {name}")
    return told


def search(resolver, name, namespace):
    told = []
    for suffix in (f".{namespace}.svc.cluster.local", ".svc.cluster.local", ".cluster.local", ""):
        for kind in ("A", "AAAA"):
            told += addresses_of(exchange(resolver, name + suffix, kind))
        if told:
            return told
    raise LookupError(f"{resolver} tells nothing of {name}")


def echoed(stream):
    stream.sendall(PAYLOAD)
    if stream.recv(4096) != PAYLOAD:
        raise OSError("another answer than an echo")


def dial(address, port):
    with socket.create_connection((address, int(port)), TIMEOUT) as stream:
        echoed(stream)


def tls(address, port, server_name=None):
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # a throw-away certificate: what is said matters, not to whom
    with socket.create_connection((address, int(port)), TIMEOUT) as plain:
        with context.wrap_socket(plain, server_hostname=server_name) as stream:
            echoed(stream)


def http(address, port, host):
    with socket.create_connection((address, int(port)), TIMEOUT) as stream:
        stream.sendall(f"GET / HTTP/1.1\r\nUser-Agent: outflow-test\r\nHost: {host}\r\n\r\n".encode())
        if not stream.recv(4096).startswith(b"HTTP/1.1 200"):
            raise OSError("no answer to the request")


def quic(address, port):
    """A padded datagram that begins as an Initial of QUIC version 1 (RFC 9000 17.2.2)."""
    initial = b"\xc3\x00\x00\x00\x01\x08" + os.urandom(8) + b"\x00\x00\x44\x96"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.settimeout(TIMEOUT)
        s.connect((address, int(port)))
        s.send(initial.ljust(1200, b"\0"))
        s.recv(4096)


def pool(resolver, name, times, port):
    told = sorted({a for _ in range(int(times)) for a in ask(resolver, name, "A")})
    for address in told:
        dial(address, port)
    return told


def main():
    steps = {"ask": ask, "search": search, "dial": dial, "tls": tls, "http": http, "quic": quic, "pool": pool}
    for line in sys.stdin:
        kind, *rest = line.split()
        try:
            told = steps[kind](*rest)
        except (OSError, LookupError, dns.exception.DNSException) as error:
            print(json.dumps({"step": line.strip(), "error": f"{type(error).__name__}: {error}"}), flush=True)
            return 1
        print(json.dumps({"step": line.strip(), "told": told or []}), flush=True)
    return 0


if __name__ == "__main__":
    if len(sys.argv) > 1:
        sys.exit(__doc__)
    sys.exit(main())
