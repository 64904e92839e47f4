"""DNS records of previews, served by CoreDNS: a wildcard record, or one record for each preview."""
