"""The servers that a measurement runs against, each in a process of its own."""

import json
import shutil
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from string import Template

from tests.bench.measure import ROOT
from tests.bench.server import TOKEN, Seen, job
from tests.support.programs import until

_NGINX = Template("""\
daemon off;
worker_processes 1;
pid $folder/pid;
error_log stderr crit;
events { worker_connections 4096; }
http {
  access_log off;
  keepalive_requests 1000000000;
  keepalive_timeout 1h;
  client_body_temp_path $folder/body;
  proxy_temp_path $folder/proxy;
  fastcgi_temp_path $folder/fastcgi;
  uwsgi_temp_path $folder/uwsgi;
  scgi_temp_path $folder/scgi;
  default_type application/json;
  server {
    listen 127.0.0.1:$port backlog=1024;
    location = /oauth/access_token { return 200 '$token'; }
    location ~ ^/pcm/jobs/([^/]+)/cancel$$ { return 200 '$job'; }
  }
}
""")


class Server:
    """A server of ours; what it has `seen` is known once it has ended."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.seen = Seen()


@contextmanager
def server(*arguments: str) -> Iterator[Server]:
    """Run the server that notes what it sees."""
    command = [sys.executable, "-m", "tests.bench.server", *arguments]
    with subprocess.Popen(
        command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        start_new_session=True,  # our Ctrl-C is not its own
    ) as process:  # fmt: skip
        assert process.stdout is not None
        ours = Server(process.stdout.readline().strip())
        try:
            yield ours
        finally:
            out, _ = process.communicate("", timeout=60)
            ours.seen = Seen(**json.loads(out))


@contextmanager
def fast_server(folder: Path) -> Iterator[str]:
    """Run a server that is not in the way: nginx, or where there is none our own; yield its URL."""
    nginx = shutil.which("nginx", path="/usr/local/sbin:/usr/sbin:/usr/local/bin:/usr/bin")
    if nginx is None:
        with server() as ours:
            yield ours.url
        return
    (folder / "nginx").mkdir(exist_ok=True)
    port = _free_port()
    config = folder / "nginx" / "nginx.conf"
    config.write_text(_config(folder / "nginx", port))
    command = [nginx, "-e", "stderr", "-p", str(folder / "nginx"), "-c", str(config)]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True) as process:
        try:
            until(lambda: _is_open(port))
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def _config(folder: Path, port: int) -> str:
    reply = job("$1", "cancelled").partition(b"\r\n\r\n")[2]
    return _NGINX.substitute(folder=folder, port=port, token=TOKEN.decode(), job=reply.decode())


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _is_open(port: int) -> bool:
    with suppress(OSError):
        socket.create_connection(("127.0.0.1", port)).close()
        return True
    return False
