"""The names of previews: what CoreDNS is told, once by a wildcard or one by one."""
