"""Ordinary repositories whose container runs a server from a package, as Debian's packages configure it."""

from tests.ordinary.example import Example

NGINX = Example(
    "nginx",
    """\
FROM chatops-server-base:12
RUN ln -s ../sites-available/default /etc/nginx/sites-enabled/ && mkdir -p /var/www/html
COPY index.html /var/www/html/
EXPOSE 80
CMD ["nginx", "-g", "daemon off;"]
""",
    {"index.html": "<h1>welcome to nginx</h1>"},
    says="welcome to nginx",
    restricted="Read-only file system",
)

APACHE = Example(
    "Apache",
    """\
FROM chatops-server-base:12
# What a2enmod and a2ensite do.
WORKDIR /etc/apache2/mods-enabled
RUN for module in mpm_event authz_core dir alias; do ln -s ../mods-available/$module.* .; done && \
    ln -s ../sites-available/000-default.conf ../sites-enabled/ && mkdir -p /var/log/apache2 /run/apache2
COPY html /var/www/html
EXPOSE 80
CMD . /etc/apache2/envvars && exec apache2 -D FOREGROUND
""",
    {"html/index.html": "<h1>It works!</h1>"},
    says="It works!",
)

PHP_FPM = Example(
    "PHP-FPM behind nginx",
    """\
FROM chatops-server-base:12
RUN mkdir -p /run/php
COPY site.conf /etc/nginx/sites-enabled/default
COPY index.php /var/www/html/
EXPOSE 80
CMD php-fpm8.2 --daemonize && exec nginx -g "daemon off;"
""",
    {
        "site.conf": """\
server {
    listen 80;
    root /var/www/html;
    index index.php;
    location ~ \\.php$ {
        include fastcgi.conf;
        fastcgi_pass unix:/run/php/php8.2-fpm.sock;
    }
}
""",
        "index.php": '<?php echo "a worker of user ", fileowner(tempnam("/tmp", ""));',
    },
    says="a worker of user 33",
)

PHP_ALONE = Example(
    "PHP that caches its views",
    """\
FROM chatops-server-base:12
WORKDIR /var/www/app
COPY . .
EXPOSE 8000
CMD ["php8.2", "-S", "0.0.0.0:8000", "-t", "public"]
""",
    {
        "public/index.php": """\
<?php
$folder = __DIR__ . "/../storage/views";
is_dir($folder) || mkdir($folder, 0775, true);
file_put_contents("$folder/home.html", "a compiled view");
readfile("$folder/home.html");
"""
    },
    says="a compiled view",
)

CADDY = Example(
    "Caddy, in Go",
    """\
FROM chatops-server-base:12
ENV XDG_DATA_HOME=/data XDG_CONFIG_HOME=/config
COPY Caddyfile /etc/caddy/
COPY site /srv
EXPOSE 80
CMD ["caddy", "run", "--config", "/etc/caddy/Caddyfile", "--adapter", "caddyfile"]
""",
    {"Caddyfile": ":80 {\n\troot * /srv\n\tfile_server\n}\n", "site/index.html": "served by Go"},
    says="served by Go",
)

BUSYBOX = Example(
    "static site",
    """\
FROM chatops-server-base:12
COPY site /www
EXPOSE 8080
CMD ["httpd", "-f", "-p", "8080", "-h", "/www"]
""",
    {"site/index.html": "only files"},
    says="only files",
)

REDIS = Example(
    "Redis",
    """\
FROM chatops-server-base:12
RUN mkdir /data
VOLUME /data
WORKDIR /data
COPY docker-entrypoint.sh redis.conf /etc/redis/
EXPOSE 6379
ENTRYPOINT ["/etc/redis/docker-entrypoint.sh"]
""",
    {
        "docker-entrypoint.sh": """\
#!/bin/sh
set -e
chown -R redis:redis .
exec su redis -s /bin/sh -c "exec redis-server /etc/redis/redis.conf"
""",
        "redis.conf": "protected-mode no\nappendonly yes\n",
    },
    says="+PONG",
    asks="PING\r\n",
    restricted="Operation not permitted",
)

SERVERS = (NGINX, APACHE, PHP_FPM, PHP_ALONE, CADDY, BUSYBOX, REDIS)
