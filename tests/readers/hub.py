"""A hub of data sets on this machine, with as much of the interface of huggingface.co as is used."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread


class _Hub(BaseHTTPRequestHandler):
    """One data set, `files` by path; commits change it."""

    files: dict[str, bytes]
    address = ""

    def log_message(self, *_: object) -> None:
        pass

    def _send(self, body: object, code: int = 200, **head: str) -> None:
        data = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(code)
        for name, value in {**head, "Content-Length": str(len(data))}.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data)

    def _entry(self, path: str) -> dict[str, object]:
        if path in self.files:
            oid = hashlib.sha1(self.files[path]).hexdigest()
            return {"type": "file", "path": path, "size": len(self.files[path]), "oid": oid}
        return {"type": "directory", "path": path, "size": 0, "oid": "0" * 40}

    def do_GET(self) -> None:
        path, _, query = self.path.partition("?")
        if "/resolve/" in path:
            data = self.files[path.split("/resolve/")[1].split("/", 1)[1]]
            first, _, last = self.headers.get("Range", "bytes=0-")[6:].partition("-")
            part = data[int(first) : int(last or len(data)) + 1]
            end = int(first) + len(part) - 1
            self._send(part, 206, Content_Range=f"bytes {first}-{end}/{len(data)}", ETag='"x"')
        elif "/tree/" in path:
            self._send(
                self._tree(path.split("/tree/")[1].partition("/")[2], "recursive=true" in query.lower())
            )
        elif path.startswith("/api/datasets/"):
            self._send({"id": "a/b", "sha": "1" * 40, "siblings": []})
        else:
            self._send({"error": "not found"}, 404)

    do_HEAD = do_GET

    def _tree(self, base: str, deep: bool) -> list[dict[str, object]]:
        above = [base] if base else []
        found = {}
        for name in self.files:
            if not base or name.startswith(base + "/"):
                parts = name[len(base) :].strip("/").split("/")
                for n in range(1, len(parts) + 1 if deep else 2):
                    path = "/".join([*above, *parts[:n]])
                    found[path] = self._entry(path)
        return list(found.values())

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if "preupload" in self.path:
            files = [
                {"path": f["path"], "uploadMode": "regular", "shouldIgnore": False}
                for f in json.loads(body)["files"]
            ]
            self._send({"files": files})
        elif "/commit/" in self.path:
            for row in map(json.loads, body.splitlines()):
                if row["key"] == "file":
                    self.files[row["value"]["path"]] = base64.b64decode(row["value"]["content"])
            commit = {"commitOid": "2" * 40, "commitMessage": "m", "commitDescription": ""}
            self._send({**commit, "commitUrl": f"{self.address}/datasets/a/b/commit/{'2' * 40}"})
        else:
            self._send({"error": "not found"}, 404)


@contextlib.contextmanager
def hub(files: dict[str, bytes]) -> Iterator[str]:
    """Serve the data set a/b with these files, which commits change -> its address, for HF_ENDPOINT."""
    handler = type("Hub", (_Hub,), {"files": files})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        handler.address = f"http://127.0.0.1:{server.server_port}"
        Thread(target=server.serve_forever, daemon=True).start()
        yield handler.address
        server.shutdown()
