"""Grafana dashboards: the files that Grafana loads, and the code that writes them."""
