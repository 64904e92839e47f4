"""Ordinary repositories with a small application in one of the common languages."""

from tests.ordinary.example import Example

NODE = Example(
    "Node",
    """\
FROM chatops-server-base:12
WORKDIR /app
COPY package.json server.js ./
ENV NODE_ENV=production
EXPOSE 3000
CMD ["node", "server.js"]
""",
    {
        "package.json": '{"name": "shop", "scripts": {"start": "node server.js"}}',
        "server.js": """\
const http = require("http");
http.createServer((request, response) => response.end("hello from Node")).listen(3000);
""",
    },
    says="hello from Node",
)

NODE_CACHE = Example(
    "Node that writes beside its code",
    """\
FROM chatops-server-base:12
WORKDIR /app
COPY . .
EXPOSE 3000
CMD ["node", "server.js"]
""",
    {
        "server.js": """\
const fs = require("fs");
const http = require("http");
fs.appendFileSync("visits.txt", "rendered once");
http.createServer((request, response) => response.end(fs.readFileSync("visits.txt"))).listen(3000);
"""
    },
    says="rendered once",
    restricted="EROFS: read-only file system, open 'visits.txt'",
)

FLASK = Example(
    "Flask",
    """\
FROM chatops-server-base:12
WORKDIR /app
COPY app.py .
EXPOSE 5000
CMD ["python3", "-m", "flask", "run", "--host", "0.0.0.0"]
""",
    {
        "app.py": """\
from flask import Flask

app = Flask(__name__)


@app.get("/")
def home():
    return "hello from Flask"
"""
    },
    says="hello from Flask",
)

DJANGO = Example(
    "Django with SQLite",
    """\
FROM chatops-server-base:12
WORKDIR /app
COPY . .
EXPOSE 8000
CMD python3 manage.py migrate --verbosity 0 && exec python3 manage.py runserver --noreload 0.0.0.0:8000
""",
    {
        "manage.py": """\
import os
import sys

from django.core.management import execute_from_command_line

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "settings")
execute_from_command_line(sys.argv)
""",
        "settings.py": """\
DEBUG = True
SECRET_KEY = "of the sample"
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "urls"
INSTALLED_APPS = ["django.contrib.contenttypes", "django.contrib.auth"]
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": "db.sqlite3"}}
""",
        "urls.py": """\
from django.contrib.auth.models import User
from django.http import HttpResponse
from django.urls import path


def home(request):
    User.objects.get_or_create(username="visitor")
    return HttpResponse(f"{User.objects.count()} user")


urlpatterns = [path("", home)]
""",
    },
    says="1 user",
)

FASTAPI = Example(
    "FastAPI",
    """\
FROM chatops-server-base:12
WORKDIR /app
COPY main.py .
EXPOSE 8000
CMD ["python3", "-m", "uvicorn", "main:app", "--host", "0.0.0.0", "--port", "8000"]
""",
    {
        "main.py": """\
from fastapi import FastAPI

app = FastAPI()


@app.get("/")
def home() -> dict[str, str]:
    return {"hello": "from FastAPI"}
"""
    },
    says='{"hello":"from FastAPI"}',
)

PYTHON = Example(
    "Python's http.server",
    """\
FROM chatops-server-base:12
COPY site /site
WORKDIR /site
EXPOSE 8000
CMD ["python3", "-m", "http.server", "8000"]
""",
    {"site/index.html": "a folder of files"},
    says="a folder of files",
)

JAVA = Example(
    "Java, a jar",
    """\
FROM chatops-server-base:12 AS build
ENV PATH=/usr/lib/jvm/java-17-openjdk-amd64/bin:$PATH
WORKDIR /src
COPY App.java .
RUN java -m jdk.compiler/com.sun.tools.javac.Main -d classes App.java
RUN java -m jdk.jartool/sun.tools.jar.Main --create --file app.jar --main-class App -C classes .

FROM chatops-server-base:12
ENV PATH=/usr/lib/jvm/java-17-openjdk-amd64/bin:$PATH
WORKDIR /app
COPY --from=build /src/app.jar .
EXPOSE 8080
ENTRYPOINT ["java", "-jar", "app.jar"]
""",
    {
        "App.java": """\
import com.sun.net.httpserver.HttpServer;
import java.net.InetSocketAddress;

public class App {
    public static void main(String[] arguments) throws Exception {
        HttpServer server = HttpServer.create(new InetSocketAddress(8080), 0);
        server.createContext("/", exchange -> {
            byte[] body = "hello from Java".getBytes();
            exchange.sendResponseHeaders(200, body.length);
            exchange.getResponseBody().write(body);
            exchange.close();
        });
        server.start();
    }
}
"""
    },
    says="hello from Java",
)

RUBY = Example(
    "Ruby, with a log beside its code",
    """\
FROM chatops-server-base:12
WORKDIR /app
COPY . .
EXPOSE 9292
CMD ["ruby", "server.rb"]
""",
    {
        "server.rb": """\
require "fileutils"
require "webrick"
FileUtils.mkdir_p("log")
server = WEBrick::HTTPServer.new(Port: 9292, Logger: WEBrick::Log.new("log/production.log"))
server.mount_proc("/") { |request, response| response.body = "hello from Ruby" }
server.start
"""
    },
    says="hello from Ruby",
)

PERL = Example(
    "Perl",
    """\
FROM chatops-server-base:12
COPY server.pl /
EXPOSE 8080
CMD ["perl", "server.pl"]
""",
    {
        "server.pl": """\
use strict;
use IO::Socket::INET;
my $server = IO::Socket::INET->new(LocalPort => 8080, Listen => 5, ReuseAddr => 1) or die $!;
while (my $visitor = $server->accept) {
    while (my $line = <$visitor>) { last if $line =~ /^\\r?$/; }
    print $visitor "HTTP/1.0 200 OK\\r\\n\\r\\nhello from Perl";
    close $visitor;
}
"""
    },
    says="hello from Perl",
)

LUA = Example(
    "Lua",
    """\
FROM chatops-server-base:12
COPY server.lua /
EXPOSE 8080
CMD ["lua5.4", "server.lua"]
""",
    {
        "server.lua": """\
local server = require("socket").bind("*", 8080)
while true do
    local visitor = server:accept()
    repeat local line = visitor:receive() until line == "" or line == nil
    visitor:send("HTTP/1.0 200 OK\\r\\n\\r\\nhello from Lua")
    visitor:close()
end
"""
    },
    says="hello from Lua",
)

LANGUAGES = (NODE, NODE_CACHE, FLASK, DJANGO, FASTAPI, PYTHON, JAVA, RUBY, PERL, LUA)
