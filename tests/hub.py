"""A stand-in for the Hugging Face Hub on loopback: one data set repository, in memory.

It speaks as much of the Hub's protocol as uploading in one commit needs: small files are in the
commit, large ones go to a storage of their own first, by the batch protocol of Git LFS.
"""

from __future__ import annotations

import base64
import hashlib
import json
import math
import re
import threading
from collections.abc import Generator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

TOKEN = "hf_test"


@dataclass
class Hub:
    """Files of the repository ``user/name``, by path, and what was done to it."""

    url: str = ""
    files: dict[str, bytes] = field(default_factory=dict)
    commits: list[str] = field(default_factory=list)  # their messages
    status: int = 200  # of every answer
    lfs_bytes: float = math.inf  # size from which files are large
    stored: dict[str, bytes] = field(default_factory=dict)  # large files, by SHA-256
    verified: set[str] = field(default_factory=set)  # of them, those that were said to be complete


class _Handler(BaseHTTPRequestHandler):
    hub: Hub

    def log_message(self, *_: object) -> None:
        """Says nothing."""

    def _answer(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        hub, path = self.hub, self.path.split("?")[0]
        if hub.status != 200:
            self._send(b"{}", hub.status)
        elif match := re.fullmatch(r"/datasets/user/name/resolve/\w+/(.*)", path):
            content = hub.files.get(match[1])
            self._send(content or b"", 200 if content is not None else 404)
        elif self.command == "PUT":  # to the storage, whose addresses are secrets themselves
            assert self.headers["authorization"] is None
            hub.stored[path.removeprefix("/storage/")] = body
            self._send(b"")
        else:
            assert self.headers["authorization"] in (None, f"Bearer {TOKEN}")
            self._send(json.dumps(self._call(path, body)).encode())

    do_GET = do_HEAD = do_POST = do_PUT = _answer

    def _send(self, content: bytes, status: int = 200) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.send_header("Content-Type", "application/json")
        self.send_header("ETag", hashlib.sha1(content).hexdigest())
        self.send_header("X-Repo-Commit", "a" * 40)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)

    def _call(self, path: str, body: bytes) -> object:
        hub, repository = self.hub, {"url": f"{self.hub.url}/datasets/user/name"}
        if path == "/api/repos/create":
            assert json.loads(body)["type"] == "dataset"
            return {**repository, "name": "user/name", "id": "1"}
        if path.startswith("/api/datasets/user/name/tree/"):
            return [
                {"type": "file", "path": p, "size": len(c), "oid": hashlib.sha1(c).hexdigest()}
                for p, c in hub.files.items()
            ]
        if path.startswith("/api/datasets/user/name/preupload/"):
            modes = [
                (file["path"], "lfs" if file["size"] >= hub.lfs_bytes else "regular")
                for file in json.loads(body)["files"]
            ]
            named = [{"path": path, "uploadMode": mode} for path, mode in modes]
            return {"files": [{**f, "shouldIgnore": False} for f in named]}
        if path == "/datasets/user/name.git/info/lfs/objects/batch":
            return self._answer_batch(json.loads(body))
        if path == "/verify":
            told = json.loads(body)
            assert len(hub.stored[told["oid"]]) == told["size"]
            hub.verified.add(told["oid"])
            return {}
        if path.startswith("/api/datasets/user/name/commit/"):
            for line in map(json.loads, body.splitlines()):
                value = line["value"]
                if line["key"] == "file":
                    hub.files[value["path"]] = base64.b64decode(value["content"])
                    assert len(hub.files[value["path"]]) < hub.lfs_bytes
                elif line["key"] == "lfsFile":
                    assert value["oid"] in hub.verified
                    hub.files[value["path"]] = hub.stored[value["oid"]]
                elif line["key"] == "deletedFile":
                    del hub.files[value["path"]]
                else:
                    hub.commits.append(value["summary"])
            return {**repository, "commitUrl": repository["url"], "commitOid": "a" * 40}
        return {}

    def _answer_batch(self, asked: dict) -> object:
        """Where each large file that is not there yet goes."""
        assert (asked["operation"], asked["hash_algo"]) == ("upload", "sha256")
        assert "basic" in asked["transfers"]
        objects = []
        for found in asked["objects"]:
            oid = found["oid"]
            actions = {
                "upload": {"href": f"{self.hub.url}/storage/{oid}"},
                "verify": {"href": f"{self.hub.url}/verify"},
            }
            is_there = oid in self.hub.verified
            objects.append({**found, **({} if is_there else {"actions": actions})})
        return {"transfer": "basic", "objects": objects}


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch) -> Generator[Hub]:
    """A Hub that the environment and the library name."""
    from huggingface_hub import constants

    found = Hub()
    handler = type("Handler", (_Handler,), {"hub": found})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    found.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    monkeypatch.setattr(constants, "ENDPOINT", found.url)
    template = found.url + "/{repo_id}/resolve/{revision}/{filename}"
    monkeypatch.setattr(constants, "HUGGINGFACE_CO_URL_TEMPLATE", template)
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_XET", True)  # a protocol of binaries
    monkeypatch.setenv("HF_TOKEN", TOKEN)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    yield found
    server.shutdown()
    thread.join()
    server.server_close()
