"""An API server for Secrets and ConfigMaps only, in memory: names, versions, conflicts, one bearer token.

fake_api.py FOLDER writes its port to FOLDER/port and each request to FOLDER/requests ("METHOD path status").
What it is told by files in FOLDER: `token` is the token it takes; `meddle`, when it is there, has it renew the
version of every object between a read and the next write, once, as another writer would.
"""

import http.server
import json
import os
import re
import sys
import threading

folder = sys.argv[1]
objects = {}
lock = threading.Lock()
version = 100


def stamp(obj):
    global version
    version += 1
    obj["metadata"]["resourceVersion"] = str(version)
    # What a real server adds, and what must not be taken for the value.
    obj["metadata"]["managedFields"] = [{"manager": "curl", "fieldsV1": {"f:data": {"f:tls.crt": {}, "f:ca.crt": {}}}}]
    obj["metadata"]["annotations"] = {"last": '{"tls.crt":"bm90IHRoaXM=","resourceVersion":"1"}'}
    return obj


class Handler(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def answer(self, status, body):
        if status >= 400:
            body = {"kind": "Status", "status": "Failure", "message": body, "code": status}
        data = json.dumps(body, separators=(",", ":")).encode()
        with open(os.path.join(folder, "requests"), "a", encoding="utf-8") as out:
            out.write(f"{self.command} {self.path.split('?')[0]} {status}\n")
        self.send_response(status)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def read_body(self):
        return json.loads(self.rfile.read(int(self.headers["Content-Length"])))

    def allowed(self):
        with open(os.path.join(folder, "token"), encoding="utf-8") as token:
            return self.headers.get("Authorization") == "Bearer " + token.read()

    def handle_any(self):
        with lock:
            if not self.allowed():
                self.answer(401, "Unauthorized")
                return
            found = re.fullmatch(r"/api/v1/namespaces/([a-z-]+)/(secrets|configmaps)(?:/([a-z-]+))?", self.path.split("?")[0])
            if not found:
                self.answer(404, "the server could not find the requested resource")
                return
            getattr(self, "on_" + self.command.lower())(found.group(2), found.group(3))

    do_GET = do_POST = do_PUT = handle_any

    def on_get(self, kind, name):
        obj = objects.get((kind, name))
        if obj is None:
            self.answer(404, f'{kind} "{name}" not found')
            return
        self.answer(200, obj)
        meddle = os.path.join(folder, "meddle")
        if os.path.exists(meddle):
            os.remove(meddle)
            stamp(obj)

    def on_post(self, kind, _name):
        obj = self.read_body()
        key = (kind, obj["metadata"]["name"])
        if key in objects:
            self.answer(409, f"{kind} already exists")
            return
        objects[key] = stamp(obj)
        self.answer(201, obj)

    def on_put(self, kind, name):
        obj = self.read_body()
        there = objects.get((kind, name))
        if there is None:
            self.answer(404, f'{kind} "{name}" not found')
        elif obj["metadata"].get("resourceVersion") != there["metadata"]["resourceVersion"]:
            self.answer(409, "the object has been modified")
        else:
            objects[(kind, name)] = stamp(obj)
            self.answer(200, obj)


server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
with open(os.path.join(folder, "port.new"), "w", encoding="utf-8") as port_file:
    port_file.write(str(server.server_port))
os.rename(os.path.join(folder, "port.new"), os.path.join(folder, "port"))
server.serve_forever()
