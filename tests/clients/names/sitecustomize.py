"""Names of the services lead to the server under test, as they would where a name server says so. Nothing else changes."""
import os
import socket

NAMES = set(filter(None, os.environ.get("SIGHTHOUND_NAMES", "").split(",")))
PORT = int(os.environ.get("SIGHTHOUND_TLS_PORT", "0"))
look_up = socket.getaddrinfo


def found(host, port, *rest, **named):
    name = host.decode() if isinstance(host, bytes) else host
    return look_up("127.0.0.1", PORT, *rest, **named) if name in NAMES else look_up(host, port, *rest, **named)


if NAMES and PORT:
    socket.getaddrinfo = found
