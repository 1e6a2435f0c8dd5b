"""Writes the Grafana dashboards: ``python -m dashboards.grafana.generator``."""
