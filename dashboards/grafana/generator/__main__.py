"""``python -m dashboards.grafana.generator``: writes the dashboards and names the files."""

from dashboards.grafana.generator.writing import write_all

if __name__ == "__main__":
    for path in write_all():
        print(path)
