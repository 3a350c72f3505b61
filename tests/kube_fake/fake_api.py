"""An API server that does what a test says: HTTP/2 over TLS by hand (h2 on a socket), so that frames can be
halved, streams reset and connections told to go away. HTTP/1.1 for clients that ask for nothing better."""

import queue
import socket
import ssl
import subprocess
import threading
import time
from urllib.parse import parse_qs, urlsplit

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.exceptions
import h2.settings
import hyperframe.frame

PROTOBUF = "application/vnd.kubernetes.protobuf"
JSON = "application/json"


def varint(value):
    out = b""
    while value > 0x7F:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def field(number, value):
    if isinstance(value, str):
        value = value.encode()
    return varint(number << 3 | 2) + varint(len(value)) + value


def envelope(kind, message):
    return b"k8s\0" + field(1, field(1, "v1") + field(2, kind)) + field(2, message)


def meta(name, version, annotations=()):
    text = field(1, name) + field(3, "web") + field(5, "uid-" + name) + field(6, version)
    for key, value in annotations:
        text += field(12, field(1, key) + field(2, value))
    return text


def pod(name, version):
    return field(1, meta(name, version)) + field(3, field(1, "Running") + field(6, "10.0.0.1"))


def pod_list(names, version, more=""):
    items = b"".join(field(2, pod(name, version)) for name in names)
    return envelope("PodList", field(1, field(2, version) + field(3, more)) + items)


def event(kind, message, what="Pod"):
    frame = field(1, kind) + field(2, field(1, envelope(what, message)))
    return len(frame).to_bytes(4, "big") + frame


def added(name, version):
    return event("ADDED", pod(name, version))


def bookmark(version, end=False):
    notes = [("k8s.io/initial-events-end", "true")] if end else []
    return event("BOOKMARK", field(1, field(6, version) + b"".join(
        field(12, field(1, key) + field(2, value)) for key, value in notes)))


def error(code):
    return event("ERROR", field(3, "said so") + varint(6 << 3) + varint(code), "Status")


class Request:
    def __init__(self, headers):
        self.headers = headers
        parts = urlsplit(headers[":path"])
        self.path = parts.path
        self.query = {key: values[0] for key, values in parse_qs(parts.query, keep_blank_values=True).items()}
        self.at = time.monotonic()

    def is_watch(self):
        return "watch" in self.query

    def token(self):
        return self.headers.get("authorization", "").removeprefix("Bearer ")


class Gone(Exception):
    """The client or the test ended it."""


class Stream:
    """One answer. Blocks where the client gives no window."""

    def __init__(self, connection, number):
        self.connection = connection
        self.number = number

    def head(self, code=200, kind=PROTOBUF, more=()):
        self.connection.do(lambda h: h.send_headers(
            self.number, [(":status", str(code)), ("content-type", kind), *more]))

    def data(self, payload, piece=16000):
        for at in range(0, len(payload), piece):
            part = payload[at:at + piece]
            while not self.connection.try_data(self.number, part):
                self.connection.window.wait(0.05)

    def end(self):
        self.connection.do(lambda h: h.end_stream(self.number))

    def answer(self, code, body=b"", kind=PROTOBUF, more=()):
        self.head(code, kind, more)
        self.data(body)
        self.end()

    def reset(self):
        self.connection.do(lambda h: h.reset_stream(self.number, h2.errors.ErrorCodes.INTERNAL_ERROR))

    def go_away(self):
        self.connection.do(lambda h: h.close_connection())
        self.connection.socket.shutdown(socket.SHUT_WR)

    def go_away_later(self):
        """No more requests are taken; those that are go on."""
        self.connection.leave()

    def go_silent(self):
        """The connection stays, but nothing is read or said any longer."""
        self.connection.silent.set()

    def cut(self):
        self.connection.close()


class Connection:
    def __init__(self, server, tls):
        self.server = server
        self.socket = tls
        self.lock = threading.RLock()
        self.window = threading.Event()
        self.silent = threading.Event()
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(client_side=False, header_encoding="utf-8"))

    def do(self, action):
        with self.lock:
            try:
                action(self.h2)
                self.socket.sendall(self.h2.data_to_send())
            except (OSError, h2.exceptions.ProtocolError, ValueError) as why:
                raise Gone() from why

    def try_data(self, number, part):
        with self.lock:
            try:
                if self.h2.local_flow_control_window(number) < len(part):
                    self.window.clear()
                    return False
            except h2.exceptions.ProtocolError as why:
                raise Gone() from why
            self.do(lambda h: h.send_data(number, part))
            return True

    def leave(self):
        with self.lock:
            frame = hyperframe.frame.GoAwayFrame(0, last_stream_id=self.h2.highest_inbound_stream_id)
            self.socket.sendall(frame.serialize())

    def close(self):
        try:
            self.socket.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.socket.close()

    def serve(self):
        try:
            if self.server.streams_max:
                self.h2.local_settings = h2.settings.Settings(
                    client=False,
                    initial_values={h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS: self.server.streams_max})
            self.do(lambda h: h.initiate_connection())
            while data := self.socket.recv(65536):
                if self.silent.is_set():
                    threading.Event().wait()
                with self.lock:
                    events = self.h2.receive_data(data)
                    self.server.most_streams = max(self.server.most_streams, self.h2.open_inbound_streams)
                    self.socket.sendall(self.h2.data_to_send())
                for one in events:
                    if isinstance(one, h2.events.RequestReceived):
                        self.server.begin(Request(dict(one.headers)), Stream(self, one.stream_id))
                    elif isinstance(one, h2.events.WindowUpdated):
                        self.window.set()
        except (OSError, Gone, h2.exceptions.ProtocolError):
            pass
        finally:
            self.window.set()
            self.close()


class OldStream:
    """The same over HTTP/1.1: what is sent is a chunk."""

    def __init__(self, tls):
        self.socket = tls

    def head(self, code=200, kind=PROTOBUF, more=()):
        lines = [f"HTTP/1.1 {code} X", f"content-type: {kind}", "transfer-encoding: chunked"]
        lines += [f"{name}: {value}" for name, value in more]
        self.socket.sendall(("\r\n".join(lines) + "\r\n\r\n").encode())

    def data(self, payload, piece=16000):
        for at in range(0, len(payload), piece):
            part = payload[at:at + piece]
            self.socket.sendall(f"{len(part):x}\r\n".encode() + part + b"\r\n")

    def end(self):
        self.socket.sendall(b"0\r\n\r\n")

    def answer(self, code, body=b"", kind=PROTOBUF, more=()):
        self.head(code, kind, more)
        self.data(body)
        self.end()


class FakeApi:
    """`answer(request, stream)` is called in a thread of its own for each request."""

    def __init__(self, folder, answer, http2=True, names="IP:127.0.0.1", streams_max=0):
        self.answer = answer
        self.streams_max, self.most_streams = streams_max, 0
        self.connections = 0
        self.errors = queue.Queue()
        self.ca = f"{folder}/server.crt"
        subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                        "-days", "2", "-subj", "/CN=fake", "-addext", f"subjectAltName={names}",
                        "-keyout", f"{folder}/server.key", "-out", self.ca], check=True, capture_output=True)
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.load_cert_chain(self.ca, f"{folder}/server.key")
        self.context.set_alpn_protocols(["h2", "http/1.1"] if http2 else ["http/1.1"])
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            raw, _ = self.listener.accept()
            raw.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self.serve, args=[raw], daemon=True).start()

    def serve(self, raw):
        try:
            tls = self.context.wrap_socket(raw, server_side=True)
        except OSError:
            return
        self.connections += 1
        if tls.selected_alpn_protocol() == "h2":
            Connection(self, tls).serve()
        else:
            self.serve_old(tls)

    def serve_old(self, tls):
        reader = tls.makefile("rb")
        try:
            while line := reader.readline():
                method, path = line.decode().split()[:2]
                headers = {":method": method, ":path": path}
                while (line := reader.readline().strip()):
                    name, _, value = line.decode().partition(":")
                    headers[name.lower()] = value.strip()
                reader.read(int(headers.get("content-length", "0")))
                self.run(Request(headers), OldStream(tls))
        except OSError:
            pass

    def begin(self, request, stream):
        threading.Thread(target=self.run, args=[request, stream], daemon=True).start()

    def run(self, request, stream):
        try:
            self.answer(request, stream)
        except (Gone, OSError):
            pass
        except Exception as why:  # a mistake of the test itself
            self.errors.put(why)
