"""One command to Redis."""

import os
import socket


def redis(*words):
    with socket.create_connection((os.environ["REDIS_HOST"], 6379)) as connection:
        connection.sendall((" ".join(words) + "\r\n").encode())
        answer = connection.makefile("r")
        first = answer.readline().rstrip()
        return answer.readline().rstrip() if first.startswith("$") else first.lstrip("+:")
