"""Write the example data, unless it is there."""

from redis import redis

print("migrated:", redis("SETNX", "greeting", "welcome-to-the-shop"))
