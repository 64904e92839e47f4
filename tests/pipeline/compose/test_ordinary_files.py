"""Compose files as teams have them, and what they mean in `.chatops.yml`."""

from bot.model.pipeline import BuildConfig, RunnerName, ServiceConfig, ServiceHealth
from bot.pipeline import composed
from tests.pipeline.compose.reading import pipeline

DJANGO = """\
version: "3.9"
services:
  db:
    image: postgres:16
    restart: always
    container_name: shop-db
    volumes:
      - postgres_data:/var/lib/postgresql/data/
      - ./init.sql:/docker-entrypoint-initdb.d/init.sql:ro
      - /etc/localtime:/etc/localtime:ro
    environment:
      - POSTGRES_DB=${DB_NAME:-shop}
      - POSTGRES_PASSWORD=${DB_PASSWORD}
    healthcheck:
      test: ["CMD-SHELL", "pg_isready -U postgres"]
      interval: 5s
  redis:
    image: redis
  web:
    build: .
    command: python manage.py runserver 0.0.0.0:8000
    volumes:
      - .:/code
      - /code/node_modules
    ports:
      - "8000:8000"
    env_file: .env
    environment:
      DEBUG: 1
    depends_on:
      db:
        condition: service_healthy
      redis:
        condition: service_started
  celery:
    build: .
    command: celery -A shop worker
    volumes: [".:/code"]
    env_file: .env
    depends_on: [db, redis, web]
volumes:
  postgres_data:
"""


def test_a_django_project() -> None:
    found = pipeline(DJANGO, files={".env": "DB_PASSWORD=secret\nSECRET_KEY='a$b'\n"})
    assert dict(found.images) == {"web": BuildConfig(files={"/code": "."})}
    assert found.deploy.image == "web"
    assert found.deploy.port == 8000
    assert found.deploy.command == ("python", "manage.py", "runserver", "0.0.0.0:8000")
    assert found.deploy.env == {"DB_PASSWORD": "secret", "SECRET_KEY": "a$b", "DEBUG": "1"}
    assert found.deploy.aliases == ("web",)
    assert dict(found.services) == {
        "db": ServiceConfig(
            "postgres:16",
            {"POSTGRES_DB": "shop", "POSTGRES_PASSWORD": "secret"},
            aliases=("shop-db",),
            health=ServiceHealth(command=("/bin/sh", "-c", "pg_isready -U postgres")),
            volumes=("/var/lib/postgresql/data",),
            files={"/docker-entrypoint-initdb.d/init.sql": "init.sql"},
        ),
        "redis": ServiceConfig("redis:latest", port=6379),
        "celery": ServiceConfig(
            "web",
            {"DB_PASSWORD": "secret", "SECRET_KEY": "a$b"},
            command=("celery", "-A", "shop", "worker"),
            depends_on=("db", "redis"),
        ),
    }


def test_nginx_in_front_of_an_application() -> None:
    found = pipeline(
        """\
services:
  nginx:
    image: nginx:1.27
    ports: ["80:80", "443:443"]
    volumes: ["./nginx.conf:/etc/nginx/nginx.conf"]
    depends_on: [api]
  api:
    build: {context: ./api, dockerfile: docker/Dockerfile, target: prod, args: [A=1, B, C=]}
    image: registry.example.com/shop/api
    ports: [8000]
    deploy: {resources: {limits: {memory: 256M, cpus: "0.5"}, reservations: {cpus: "0.1"}}}
    networks: {backend: {aliases: [api.internal]}, default: }
  jobs:
    image: registry.example.com/shop/api
    entrypoint: ["python", "jobs.py"]
    working_dir: /srv
    mem_limit: 128m
    links: ["api:backend-api", nginx]
networks: {backend: {driver: bridge}}
""",
        files={".env": "B=from .env\n"},
    )
    assert found.deploy.port == 80
    assert found.images["nginx"].inline == "FROM nginx:1.27\n"
    assert found.images["api"] == BuildConfig(
        dockerfile="docker/Dockerfile",
        context="api",
        target="prod",
        args={"A": "1", "B": "from .env", "C": ""},
    )
    assert found.services["api"] == ServiceConfig(
        "api", port=8000, memory="256M", aliases=("api.internal", "backend-api")
    )
    assert found.services["jobs"] == ServiceConfig(
        "api", entrypoint=("python", "jobs.py"), working_dir="/srv", memory="128m"
    )


def test_wordpress_and_its_database() -> None:
    found = pipeline("""\
services:
  db:
    image: mysql:8
    ports: ["3306:3306"]
    volumes: [db:/var/lib/mysql]
    environment: {MYSQL_ROOT_PASSWORD: x}
  wordpress:
    image: wordpress:6
    ports:
      - {target: 443, published: "8443"}
      - {target: 80, published: "8080", mode: host}
      - "9999:9999/udp"
    volumes:
      - {type: volume, source: wp, target: /var/www/html}
      - {type: tmpfs, target: /cache}
      - {type: bind, source: ./themes, target: /var/www/html/wp-content/themes}
    healthcheck: {test: curl -f http://localhost/wp-login.php}
volumes: {db: {}, wp: {}}
""")
    assert dict(found.images) == {
        "wordpress": BuildConfig(
            inline="FROM wordpress:6\n", files={"/var/www/html/wp-content/themes": "themes"}
        )
    }
    assert (found.deploy.port, found.deploy.health.path) == (80, "/wp-login.php")
    assert found.services["db"].port == 3306


def test_a_node_project_in_a_folder_with_anchors() -> None:
    found = pipeline(
        """\
x-app: &app
  build: &build {context: .., dockerfile: ./Dockerfile.dev}
  environment: &env {NODE_ENV: development, TOKEN: }
services:
  app:
    <<: *app
    ports: ["127.0.0.1:3000-3001:3000-3001"]
    working_dir: /app
    volumes: ["../src:/app/src", "modules:/app/node_modules"]
  jobs:
    <<: [*app, {image: ignored}]
    environment: {<<: *env, NODE_ENV: test}
    expose: ["9229/tcp"]
  admin: {<<: *app, profiles: [tools], privileged: true}
""",
        "deploy: {compose: deploy/dev.yml, env: {EXTRA: '1'}, port: 3001, runner: kubernetes}\n"
        "build: {runner: kubernetes, timeout: 60}\n",
        {"deploy/.env.example": "TOKEN=t\n"},
        "deploy/dev.yml",
    )
    built = BuildConfig(RunnerName.KUBERNETES, "Dockerfile.dev", timeout=60)
    assert dict(found.images) == {
        "app": BuildConfig(RunnerName.KUBERNETES, "Dockerfile.dev", timeout=60, files={"/app/src": "src"}),
        "jobs": built,
    }
    assert (found.deploy.port, found.deploy.aliases, found.deploy.working_dir) == (3001, (), "/app")
    assert found.deploy.env == {"NODE_ENV": "development", "TOKEN": "t", "EXTRA": "1"}
    assert found.services["jobs"].env == {"NODE_ENV": "test", "TOKEN": "t"}
    assert found.services["jobs"].port == 9229
    assert found.deploy.compose == "deploy/dev.yml"


def test_the_deployed_service_can_be_named() -> None:
    text = "services: {web: {image: w, ports: [80]}, api: {image: a, expose: ['81'], profiles: [x]}}\n"
    own = "deploy: {compose: docker-compose.yml, service: api}\ntest: {image: api}\n"
    found = pipeline(text, own)
    assert (found.deploy.image, found.deploy.port, found.tested) == ("api", 81, "api")
    assert list(found.services) == ["web"]


def test_a_single_service_needs_no_ports() -> None:
    found = pipeline("services: {only: {build: {dockerfile_inline: 'FROM a'}}}\n")
    assert (found.images["only"].inline, found.deploy.port) == ("FROM a", None)


def test_names_become_hostnames_and_stay_known() -> None:
    found = pipeline("services: {web: {image: w, ports: [80]}, My_DB: {image: d}}\n")
    assert found.services["my-db"].aliases == ("My_DB",)


def test_health_checks_of_services() -> None:
    found = pipeline("""\
services:
  web: {image: w, ports: [80], healthcheck: {test: [CMD, curl, "http://localhost:81/"]}}
  a: {image: a, healthcheck: {test: [CMD, redis-cli, ping]}}
  b: {image: b, healthcheck: {disable: true, test: [CMD, x]}}
  c: {image: redis, healthcheck: {test: [NONE]}}
  d: {image: d, healthcheck: {test: [pg_isready, -q]}}
""")
    assert found.deploy.health.path is None
    commands = {name: one.health.command for name, one in found.services.items()}
    assert commands == {
        "a": ("redis-cli", "ping"),
        "b": (),
        "c": (),
        "d": ("/bin/sh", "-c", "pg_isready -q"),
    }


def test_optional_files_and_dependencies_may_be_missing() -> None:
    found = pipeline(
        """\
services:
  web:
    image: w
    ports: [80]
    env_file: [{path: ./none.env, required: false}, other.env]
    depends_on: {seed: {condition: service_healthy, required: false}}
  seed: {image: s, profiles: [seed]}
""",
        files={"other.env.sample": "A=1\n"},
    )
    assert found.deploy.env == {"A": "1"}


def test_a_variable_without_a_value_is_left_out() -> None:
    text = "services: {web: {image: w, ports: [80], environment: [A, B=, C=1]}}\n"
    assert pipeline(text, files={".env": "X=1\n"}).deploy.env == {"B": "", "C": "1"}


def test_the_first_name_that_compose_looks_for_counts() -> None:
    assert composed.found_among(["docker-compose.yml", "README.md", "compose.yml"]) == "compose.yml"
    assert composed.found_among(["docker-compose.prod.yml"]) is None


def test_what_visitors_reach_is_deployed_rather_than_what_serves_it() -> None:
    found = pipeline("""\
services:
  registry: {build: nacos, ports: ["8848:8848", "9848:9848"]}
  queue: {image: rabbitmq, ports: ["5672:5672", "15672:15672"]}
  gateway: {build: gateway, ports: ["8080:8080"]}
  admin: {image: adminer, ports: ["8081:8080"]}
  web: {build: nginx, ports: ["80:80"], depends_on: [gateway]}
""")
    assert found.deploy.image == "web"
    assert found.services["registry"].port == 8848


def test_what_the_deployed_service_waits_for_to_end_becomes_its_setup() -> None:
    found = pipeline("""\
services:
  web:
    build: .
    ports: [8000]
    depends_on:
      seed: {condition: service_completed_successfully}
      migrate: {condition: service_completed_successfully}
      db: {condition: service_started}
  migrate: {build: ., command: python manage.py migrate, depends_on: [db]}
  seed: {build: ., command: [sh, -c, "a && b"]}
  db: {image: postgres}
""")
    assert [one.run for one in found.deploy.setup] == ["sh -c 'a && b'", "python manage.py migrate"]
    assert list(found.services) == ["db"]


def test_services_from_elsewhere_get_files_and_those_that_run_code_are_built() -> None:
    found = pipeline(
        """\
services:
  web: {build: .., ports: [80]}
  db: {image: "mysql:8", volumes: ["../sql/:/docker-entrypoint-initdb.d", "./my.cnf:/etc/mysql/my.cnf"]}
  jobs: {image: "node:22", volumes: ["..:/app"], command: node jobs.js}
  mail: {image: "node:22", volumes: ["./mail:/srv"], working_dir: /srv/, command: node mail.js}
""",
        "deploy: {compose: docker/dev.yml}\n",
        file="docker/dev.yml",
    )
    assert found.services["db"] == ServiceConfig(
        "mysql:8",
        port=3306,
        files={"/docker-entrypoint-initdb.d": "sql", "/etc/mysql/my.cnf": "docker/my.cnf"},
    )
    assert found.images["jobs"] == BuildConfig(inline="FROM node:22\n", files={"/app": "."})
    assert found.images["mail"] == BuildConfig(
        context="docker", inline="FROM node:22\n", files={"/srv": "mail"}
    )
    assert (found.services["mail"].image, found.services["mail"].files) == ("mail", {})
