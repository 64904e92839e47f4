"""Asks the service whether it is well; a bare socket, because this runs every second."""

import socket
import sys


def main():
    """Return 0 when the service answers 200."""
    with socket.create_connection(("127.0.0.1", 8080), timeout=2) as connection:
        connection.sendall(b"GET /healthz HTTP/1.0\r\n\r\n")
        return 0 if b" 200 " in connection.recv(64) else 1


if __name__ == "__main__":
    sys.exit(main())
