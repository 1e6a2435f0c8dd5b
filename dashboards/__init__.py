"""What a deployment is watched with: Grafana dashboards, Prometheus and Alertmanager files."""
