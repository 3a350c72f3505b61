#!/usr/bin/python3
"""What the watcher makes of an API server that misbehaves: cases.py CASE PATH-OF-kube_watch [http1]."""

import os
import queue
import stat
import subprocess
import sys
import tempfile
import threading
import time

from fake_api import (JSON, FakeApi, added, bookmark, error, event, pod, pod_list)

PODS = "/api/v1/pods"
SECONDS = 25


# Of all a case makes; gone when it ends, however it ends.
FOLDER = tempfile.TemporaryDirectory(prefix="outflow-kube-")


class Run:
    """A server, kube_watch beside it, and the lines that say [Pod] (or `kind`)."""

    def __init__(self, pods, others=None, *, kind="Pod", flags=(), user="{token: good}", cluster="", http2=True, **server):
        http2 = http2 and "http1" not in sys.argv
        self.folder = tempfile.mkdtemp(dir=FOLDER.name)
        self.pods, self.others, self.kind = pods, others, f"[{kind}]"
        self.requests = []
        self.lock = threading.Lock()
        self.api = FakeApi(self.folder, self.answer, http2, **server)
        config = f"{self.folder}/config"
        with open(config, "w", encoding="utf-8") as out:
            out.write(f"current-context: x\n"
                      f"clusters: [{{name: c, cluster: {{server: 'https://127.0.0.1:{self.api.port}', "
                      f"certificate-authority: {self.api.ca}{cluster}}}}}]\n"
                      f"users: [{{name: u, user: {user.replace('FOLDER', self.folder)}}}]\n"
                      f"contexts: [{{name: x, context: {{cluster: c, user: u}}}}]\n")
        self.lines, self.all = [], []
        self.queue = queue.Queue()
        self.flags = [sys.argv[2], "--kubeconfig", config, *([] if http2 else ["--http1"]), *flags]
        self.program = None
        self.gate = threading.Event()

    def write(self, name, text, mode=0o600):
        path = f"{self.folder}/{name}"
        with open(path, "w", encoding="utf-8") as out:
            out.write(text)
        os.chmod(path, mode)
        return path

    def start(self):
        self.program = subprocess.Popen(self.flags, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        threading.Thread(target=self.read, daemon=True).start()
        return self

    def read(self):
        for line in self.program.stdout:
            self.queue.put(line.rstrip("\n"))
        self.queue.put(None)

    def answer(self, request, stream):
        if request.path != PODS:
            if self.others:
                self.others(request, stream)
            else:
                stream.answer(404, b"not here", "text/plain", [("retry-after", "60")])
            return
        with self.lock:
            self.requests.append(request)
            number = len(self.requests)
        self.pods(number, request, stream)

    def until(self, *wanted):
        """Reads on until a line begins with each of `wanted`, in this order."""
        for text in wanted:
            deadline = time.monotonic() + SECONDS
            while True:
                try:
                    line = self.queue.get(timeout=max(0.0, deadline - time.monotonic()))
                except queue.Empty:
                    line = None
                if line is None:
                    raise AssertionError(f"never came: {text}\n" + "\n".join(self.all[-40:]))
                self.all.append(line)
                if self.kind in line:
                    self.lines.append(line.replace(self.kind + " ", ""))
                if line.startswith(text):
                    break
        return self

    def until_settled(self):
        """Until the 16 other kinds have been answered, so that nothing else is under way."""
        while sum(line.startswith(("absent", "fail")) for line in self.all) < 16:
            self.until("")
        return self

    def stop(self):
        self.program.stdin.close()
        self.until("stopped ms=")
        assert self.program.wait(SECONDS) == 0
        if not self.api.errors.empty():
            raise self.api.errors.get()
        return self

    def told(self, *words):
        """What the Sink was told, in short, without what was heard."""
        short = [" ".join(line.split()[:2]) for line in self.lines if not line.startswith(("heard", "counts"))]
        short = [line.removesuffix(" [Pod]") for line in short]
        assert short == list(words), f"{short}\n  is not\n{list(words)}"

    def stopped_ms(self):
        return int(self.all[-1].split("=")[1])


def watch_list(stream, names=("a",), version="10"):
    stream.head()
    for name in names:
        stream.data(added(name, version))
    stream.data(bookmark(version, end=True))


def one_connection():
    """Every list and watch is a stream of one HTTP/2 connection, and a stop is at once."""
    def pods(_number, _request, stream):
        watch_list(stream)

    def others(request, stream):
        if "calico" in request.path:
            stream.answer(404, b"", "text/plain")
        else:
            assert "as=PartialObjectMetadata;" in request.headers["accept"] or "/apps/" not in request.path
            stream.head()
            stream.data(bookmark("10", end=True))

    run = Run(pods, others).start().until("end [Pod]").stop()
    run.told("begin", "put web/a", "end")
    assert run.api.connections == 1, run.api.connections
    assert "connections=1" in run.all
    assert run.stopped_ms() < 1000, run.stopped_ms()


def every_byte_apart():
    """Frames that come byte by byte are the same frames."""
    def pods(_number, _request, stream):
        stream.head()
        stream.data(added("a", "4") + added("b", "5") + bookmark("9", end=True) + event("DELETED", pod("a", "11")), 1)

    run = Run(pods).start().until("remove [Pod]").stop()
    run.told("begin", "put web/a", "put web/b", "end", "remove web/a")


def reset_stream():
    """A stream that is reset goes on where it was."""
    def pods(number, request, stream):
        if number == 1:
            watch_list(stream)
            stream.data(added("b", "12") + bookmark("17"))
            run.gate.wait(SECONDS)
            stream.reset()
        else:
            assert request.query["resourceVersion"] == "17", request.query
            stream.head()
            stream.data(added("c", "18"))

    run = Run(pods)
    run.start().until("put [Pod] web/b")
    run.gate.set()
    run.until("fail [Pod]", "put [Pod] web/c").stop()
    run.told("begin", "put web/a", "end", "put web/b", "fail watch", "put web/c")


def ended_watch():
    """A watch whose time is over goes on in the next, and nobody is alarmed."""
    def pods(number, request, stream):
        if number == 1:
            watch_list(stream)
            stream.end()
        else:
            assert request.query["resourceVersion"] == "10", request.query
            stream.head()
            stream.data(added("b", "11"))

    Run(pods).start().until("put [Pod] web/b").stop().told("begin", "put web/a", "end", "put web/b")


def go_away():
    """A server that goes away is connected to again, and nothing is listed anew."""
    def pods(number, request, stream):
        if number == 1:
            watch_list(stream)
            run.gate.wait(SECONDS)
            stream.go_away()
        else:
            assert request.query["resourceVersion"] == "10", request.query
            stream.head()
            stream.data(added("c", "18"))

    run = Run(pods)
    run.start().until_settled()
    run.gate.set()
    run.until("put [Pod] web/c").stop()
    assert run.api.connections == 2, run.api.connections


def go_away_gently():
    """A server that takes no more requests ends those it has, and the next go to another connection; nothing fails."""
    def pods(number, request, stream):
        if number == 1:
            watch_list(stream)
            run.gate.wait(SECONDS)
            stream.go_away_later()
            stream.data(added("b", "11"))
            stream.end()
        else:
            assert request.query["resourceVersion"] == "11", request.query
            stream.head()
            stream.data(added("c", "18"))

    run = Run(pods)
    run.start().until_settled()
    run.gate.set()
    run.until("put [Pod] web/c").stop()
    assert run.api.connections == 2, run.api.connections
    run.told("begin", "put web/a", "end", "put web/b", "put web/c")


def few_streams():
    """A server that takes two streams on a connection is asked on more connections, never for more."""
    def others(request, stream):
        if "calico" in request.path:
            stream.answer(404, b"", "text/plain")
        else:
            stream.head()
            stream.data(bookmark("10", end=True))

    run = Run(lambda _number, _request, stream: watch_list(stream), others, streams_max=2).start()
    run.until("end [Pod]").stop()
    run.told("begin", "put web/a", "end")
    assert run.api.most_streams == 2, run.api.most_streams
    assert run.api.connections > 2, run.api.connections


def sign_of_life():
    """A watch that lies idle is heard of, because the connection answers."""
    run = Run(lambda _number, _request, stream: watch_list(stream)).start()
    run.until("end [Pod]", "heard [Pod]", "heard [Pod]", "heard [Pod]", "heard [Pod]").stop()
    assert run.api.connections == 1, run.api.connections
    assert len(run.requests) == 1


def silent_connection():
    """A connection that answers nothing is given up though it was never closed."""
    def pods(number, request, stream):
        if number == 1:
            watch_list(stream)
            run.gate.wait(SECONDS)
            stream.go_silent()
        else:
            assert request.query["resourceVersion"] == "10", request.query
            stream.head()
            stream.data(added("c", "18"))

    run = Run(pods)
    run.start().until_settled()
    run.gate.set()
    run.until("fail [Pod]", "put [Pod] web/c").stop()
    assert any("no sign of life" in line for line in run.lines), run.lines


def new_ca():
    """A CA that was renewed is used for the next request, by another connection; the old one is left in peace."""
    def pods(number, request, stream):
        if number == 1:
            watch_list(stream)
            run.gate.wait(SECONDS)
            stream.end()
        else:
            assert request.query["resourceVersion"] == "10", request.query
            stream.head()
            stream.data(added("c", "18"))

    run = Run(pods)
    run.start().until_settled()
    with open(run.api.ca, "a", encoding="utf-8") as out:
        out.write("renewed\n")
    run.gate.set()
    run.until("put [Pod] web/c").stop()
    run.told("begin", "put web/a", "end", "put web/c")
    assert run.api.connections == 2, run.api.connections


def cut_in_a_frame():
    """A connection cut in the middle of a frame loses that frame only."""
    def pods(number, request, stream):
        if number == 1:
            watch_list(stream)
            stream.data(added("b", "11") + added("c", "12")[:20])
            run.gate.wait(SECONDS)
            stream.cut()
        else:
            assert request.query["resourceVersion"] == "11", request.query
            stream.head()
            stream.data(added("c", "12"))

    run = Run(pods)
    run.start().until_settled()
    run.gate.set()
    run.until("put [Pod] web/c").stop()
    run.told("begin", "put web/a", "end", "put web/b", "fail watch", "put web/c")


def oversize_frame():
    """A frame of 2 GiB is not waited for: listed anew."""
    def pods(number, _request, stream):
        watch_list(stream, ("a",) if number == 1 else ("b",))
        if number == 1:
            stream.data(b"\x7f\xff\xff\xff" + b"x" * 100)

    run = Run(pods).start().until("end [Pod]", "fail [Pod]", "end [Pod]").stop()
    run.told("begin", "put web/a", "end", "fail watch", "begin", "put web/b", "end")


def hidden_delete():
    """What went away while nobody watched is not in the new list."""
    def pods(number, request, stream):
        if number == 1:
            watch_list(stream, ("a", "b"))
            stream.data(error(410))
        else:
            assert request.query["sendInitialEvents"] == "true"
            watch_list(stream, ("b",), "30")

    run = Run(pods).start().until("end [Pod]", "end [Pod]").stop()
    run.told("begin", "put web/a", "put web/b", "end", "fail watch", "begin", "put web/b", "end")


def pages():
    """A server without WatchList is listed in pages, each once, then watched; an expired page starts over."""
    def pods(number, request, stream):
        if number == 1:
            stream.answer(400, b"no", "text/plain")
        elif number == 2:
            assert request.query == {"limit": "2"}, request.query
            stream.answer(200, pod_list(["a", "b"], "10", "more"))
        elif number == 3:
            assert request.query == {"limit": "2", "continue": "more"}, request.query
            stream.answer(410, b"{}", JSON)
        elif number == 4:
            assert request.query == {"limit": "8"}, request.query
            stream.answer(200, pod_list(["b", "c"], "20"))
        else:
            assert request.query["resourceVersion"] == "20", request.query
            stream.head()
            stream.data(added("d", "21"))

    run = Run(pods, flags=["--page", "2"]).start().until("end [Pod]", "put [Pod] web/d").stop()
    run.told("begin", "put web/a", "put web/b", "fail list", "begin", "put web/b", "put web/c", "end", "put web/d")


def retry_after():
    """429 says when to come back."""
    def pods(number, _request, stream):
        if number == 1:
            stream.answer(429, b"busy", "text/plain", [("retry-after", "2")])
        else:
            watch_list(stream)

    run = Run(pods).start().until("end [Pod]").stop()
    waited = run.requests[1].at - run.requests[0].at
    assert waited >= 1.9, waited


def new_token():
    """After 401 the token file is read again."""
    def pods(_number, request, stream):
        if request.token() != "new":
            run.write("token", "new\n")
            stream.answer(401, b"who", "text/plain")
        else:
            watch_list(stream)

    run = Run(pods, user="{tokenFile: FOLDER/token}")
    run.write("token", "old\n")
    run.start().until("end [Pod]").stop()
    assert run.requests[0].token() == "old"


def custom_resources():
    """Calico's objects come as JSON, from Calico's own store where there is no other."""
    def others(request, stream):
        if request.path != "/apis/crd.projectcalico.org/v1/tiers":
            stream.answer(404, b"", "text/plain")
        elif JSON not in request.headers["accept"]:
            stream.answer(406, b"", "text/plain")
        elif request.is_watch() and "sendInitialEvents" in request.query:
            stream.answer(422, b"{}", JSON)
        elif request.is_watch():
            stream.head(200, JSON)
            stream.data(b'{"type":"ADDED","object":{"metadata":{"name":"u","resourceVersion":"8"},"spec":{}}}\n')
        else:
            stream.answer(200, b'{"kind":"TierList","metadata":{"resourceVersion":"7"},"items":'
                               b'[{"metadata":{"name":"t"},"spec":{"order":5,"defaultAction":"Pass"}}]}', JSON)

    run = Run(lambda _number, _request, stream: watch_list(stream), others, kind="Tier").start()
    run.until("put [Tier] u").stop()
    run.told("begin [Tier]", "put t", "end [Tier]", "put u")
    assert any(line == "put t order=5.000000 default=Pass" for line in run.lines)


def json_instead():
    """A server that prefers JSON for pods is read as JSON."""
    def pods(_number, _request, stream):
        stream.head(200, JSON)
        stream.data(b'{"type":"ADDED","object":{"metadata":{"name":"a","namespace":"web","resourceVersion":"4"}}}\n'
                    b'{"type":"BOOKMARK","object":{"metadata":{"resourceVersion":"9","annotations":'
                    b'{"k8s.io/initial-events-end":"true"}}}}\n', 7)

    Run(pods).start().until("end [Pod]").stop().told("begin", "put web/a", "end")


def html_instead():
    """A proxy's page is no list of pods, and that is said."""
    def pods(_number, _request, stream):
        stream.answer(200, b"<html>log in</html>", "text/html")

    run = Run(pods).start().until("fail [Pod]").stop()
    assert "Content-Type 'text/html'" in run.lines[0], run.lines


def wrong_ca():
    """A server whose certificate another CA signed gets no token."""
    run = Run(lambda _number, _request, stream: watch_list(stream))
    other = FakeApi(tempfile.mkdtemp(dir=FOLDER.name), run.answer)
    with open(other.ca, encoding="utf-8") as source:
        run.write("server.crt", source.read())
    run.start().until("fail [Pod]").stop()
    assert "certificate" in run.lines[0], run.lines
    assert not run.requests


def wrong_name():
    """A certificate for another name is refused, and taken when the kubeconfig says that name."""
    run = Run(lambda _number, _request, stream: watch_list(stream), names="DNS:kubernetes").start()
    run.until("fail [Pod]").stop()
    assert not run.requests
    named = Run(lambda _number, _request, stream: watch_list(stream), names="DNS:kubernetes",
                cluster=", tls-server-name: kubernetes").start()
    named.until("end [Pod]").stop()
    other = Run(lambda _number, _request, stream: watch_list(stream), names="DNS:kubernetes",
                cluster=", tls-server-name: other").start()
    other.until("fail [Pod]").stop()
    assert not other.requests


def plugin_token():
    """An exec plugin's token is sent, and after 401 the plugin is asked again."""
    def pods(_number, request, stream):
        if request.token() != "token-2":
            stream.answer(401, b"who", "text/plain")
        else:
            watch_list(stream)

    run = Run(pods, user="{exec: {apiVersion: client.authentication.k8s.io/v1, command: FOLDER/plugin}}")
    run.write("plugin", f"""#!/bin/sh
echo x >> {run.folder}/calls
printf '{{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{{"token":"token-%d"}}}}' \\
  "$(wc -l < {run.folder}/calls)"
""", stat.S_IRWXU)
    run.start().until("end [Pod]").stop()


def old_http():
    """A server without HTTP/2 is watched as well, by a connection a watch."""
    run = Run(lambda _number, _request, stream: watch_list(stream), http2=False).start()
    run.until("end [Pod]").stop()
    run.told("begin", "put web/a", "end")


def post():
    """A review is posted and its answer given; a 401 is tried once more."""
    def others(request, stream):
        assert request.headers[":method"] == "POST"
        assert request.headers["content-type"] == JSON
        stream.answer(201, b'{"status":{"allowed":true}}', JSON)

    run = Run(None, others)
    reply = subprocess.run([*run.flags, "--post", "/apis/x/v1/reviews", "{}"], capture_output=True, text=True,
                           timeout=SECONDS, check=False)
    assert reply.stdout == '201 {"status":{"allowed":true}}\n', reply.stdout


if __name__ == "__main__":
    globals()[sys.argv[1]]()
    print("ok", sys.argv[1])
