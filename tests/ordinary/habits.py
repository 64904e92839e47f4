"""Ordinary repositories with what applications do besides answering: logs, users, volumes, a database."""

import subprocess
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from bot.model.pipeline import ServiceConfig
from tests.ordinary.example import Example
from tests.ordinary.languages import DJANGO

SLOW = Example(
    "an application that starts slowly",
    """\
FROM chatops-server-base:12
COPY app.py /
EXPOSE 8000
CMD ["python3", "app.py"]
""",
    {
        "app.py": """\
import time
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

server = ThreadingHTTPServer(("", 8000), SimpleHTTPRequestHandler)  # connections wait from now on
time.sleep(2)
Path("index.html").write_text("warm at last")
server.serve_forever()
"""
    },
    says="warm at last",
)

LOG_FILE = Example(
    "a log in /var/log",
    """\
FROM chatops-server-base:12
RUN mkdir /var/log/shop
COPY app.py /
EXPOSE 8000
CMD ["python3", "app.py"]
""",
    {
        "app.py": """\
import logging
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

logging.basicConfig(filename="/var/log/shop/app.log", level="INFO")
logging.info("the shop is open")
handler = lambda *given: SimpleHTTPRequestHandler(*given, directory="/var/log/shop")
ThreadingHTTPServer(("", 8000), handler).serve_forever()
"""
    },
    says="app.log",
)

USER = Example(
    "an application with a user of its own",
    """\
FROM chatops-server-base:12
RUN useradd --create-home --uid 1000 app
USER app
WORKDIR /home/app
COPY --chown=app:app server.js .
EXPOSE 3000
CMD ["node", "server.js"]
""",
    {
        "server.js": """\
const fs = require("fs");
fs.writeFileSync("whoami", `user ${process.getuid()}`);
require("http").createServer((request, response) => response.end(fs.readFileSync("whoami"))).listen(3000);
"""
    },
    says="user 1000",
)

VOLUME = Example(
    "uploads in a volume",
    """\
FROM chatops-server-base:12
RUN mkdir -p /srv/uploads && chown www-data /srv/uploads
VOLUME /srv/uploads
WORKDIR /srv/uploads
USER www-data
EXPOSE 8000
CMD echo "an upload" > index.html && exec python3 -m http.server 8000
""",
    {},
    says="an upload",
)

C_SOURCE = r"""
#include <netinet/in.h>
#include <string.h>
#include <unistd.h>
int main(void) {
    char buffer[4096];
    const char *page = "HTTP/1.0 200 OK\r\n\r\nnothing but a program";
    struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons(8080)};
    int server = socket(AF_INET, SOCK_STREAM, 0);
    if (bind(server, (struct sockaddr *)&here, sizeof here) || listen(server, 8)) return 1;
    for (;;) {
        int visitor = accept(server, 0, 0);
        if (read(visitor, buffer, sizeof buffer) > 0) write(visitor, page, strlen(page));
        close(visitor);
    }
}
"""


@cache
def static_program() -> bytes:
    """Compile the program of the image without anything else, as Go's images are."""
    with TemporaryDirectory() as folder:
        program = Path(folder, "server")
        command = ["cc", "-static", "-w", "-x", "c", "-o", str(program), "-"]
        subprocess.run(command, input=C_SOURCE, text=True, check=True)  # noqa: S603 - constant arguments
        return program.read_bytes()


SCRATCH = Example(
    "a static program on scratch",
    """\
FROM scratch
COPY server /
EXPOSE 8080
ENTRYPOINT ["/server"]
""",
    {"server": static_program},
    says="nothing but a program",
)

POSTGRESQL = Example(
    "Python with PostgreSQL as a service",
    """\
FROM chatops-server-base:12
COPY app.py /
EXPOSE 8000
CMD ["python3", "app.py"]
""",
    {
        "app.py": """\
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import psycopg2

database = psycopg2.connect("host=db user=postgres dbname=postgres")
cursor = database.cursor()
cursor.execute("create table orders (item text); insert into orders values ('tea'); select * from orders")
Path("/page").mkdir()
Path("/page/index.html").write_text(f"an order of {cursor.fetchone()[0]}")
handler = lambda *given: SimpleHTTPRequestHandler(*given, directory="/page")
ThreadingHTTPServer(("", 8000), handler).serve_forever()
"""
    },
    says="an order of tea",
    services={
        "db": ServiceConfig(
            image="chatops-server-base:12",
            port=5432,
            command=(
                "sh",
                "-ec",
                """\
mkdir -p /data /run/postgresql
chown postgres /data /run/postgresql
export PATH=/usr/lib/postgresql/15/bin:$PATH
su postgres -s /bin/sh -c "initdb --no-sync --auth=trust --no-instructions /data"
echo "host all all all trust" >> /data/pg_hba.conf
exec su postgres -s /bin/sh -c "exec postgres -D /data -c listen_addresses='*' -c fsync=off"
""",
            ),
        )
    },
)

DATABASE = POSTGRESQL.services["db"]

MIGRATIONS = Example(
    "Django with PostgreSQL, migrated before it starts",
    """\
FROM chatops-server-base:12
WORKDIR /app
COPY . .
EXPOSE 8000
CMD ["python3", "manage.py", "runserver", "--noreload", "0.0.0.0:8000"]
""",
    {
        **DJANGO.files,
        "settings.py": """\
DEBUG = True
SECRET_KEY = "of the sample"
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "urls"
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth"]
SERVER = {"HOST": "db", "USER": "postgres", "NAME": "postgres"}
DATABASES = {"default": {"ENGINE": "django.db.backends.postgresql", **SERVER}}
""",
        "examples.json": """\
[
    {"model": "auth.user", "pk": 1, "fields": {"username": "mei", "date_joined": "2026-03-01T00:00:00Z"}},
    {"model": "auth.user", "pk": 2, "fields": {"username": "lin", "date_joined": "2026-03-01T00:00:00Z"}}
]
""",
    },
    says="3 user",
    services={"db": DATABASE},
    setup=("python3 manage.py migrate", "python3 manage.py loaddata examples.json"),
)

HABITS = (SLOW, LOG_FILE, USER, VOLUME, SCRATCH, POSTGRESQL, MIGRATIONS)
