# One image for everything: `playvitals api`, `playvitals worker`, `playvitals topics create`.
# Exact tags: https://hub.docker.com/_/python. The minor version is the one that CI tests with.
FROM python:3.11.15-slim-bookworm AS build

ENV UV_COMPILE_BYTECODE=1 \
    UV_LINK_MODE=copy \
    UV_NO_CACHE=1 \
    UV_PROJECT_ENVIRONMENT=/opt/playvitals \
    UV_PYTHON_DOWNLOADS=never

# For the core, which is compiled below. None of it gets into the image.
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends gcc libc6-dev

WORKDIR /src
COPY requirements-uv.txt ./
RUN python -m venv /opt/uv \
    && /opt/uv/bin/pip install --quiet --no-cache-dir --disable-pip-version-check --no-input \
        --require-hashes --only-binary :all: -r requirements-uv.txt

# The packages alone, so that a change of our own code does not install them again.
COPY pyproject.toml uv.lock ./
RUN /opt/uv/bin/uv sync --frozen --quiet --no-dev --group compile --no-install-project

COPY README.md LICENSE ./
COPY models models
COPY tables tables
COPY agents agents
COPY app app
COPY bench bench
COPY tools tools
RUN /opt/uv/bin/uv sync --frozen --quiet --no-dev --group compile --no-editable \
    && /opt/playvitals/bin/python -m tools.compile_core --into /opt/playvitals/lib/python3.11/site-packages
# Takes the compiler's packages out again.
RUN /opt/uv/bin/uv sync --frozen --quiet --no-dev --no-editable


FROM python:3.11.15-slim-bookworm

ARG VERSION=0.1.0
ARG REVISION=unknown
LABEL org.opencontainers.image.title="playvitals" \
      org.opencontainers.image.description="Web vitals, but for video playback" \
      org.opencontainers.image.licenses="Apache-2.0" \
      org.opencontainers.image.version="${VERSION}" \
      org.opencontainers.image.revision="${REVISION}" \
      org.opencontainers.image.base.name="docker.io/library/python:3.11.15-slim-bookworm"

ENV PATH=/opt/playvitals/bin:/usr/local/bin:/usr/bin:/bin \
    PYTHONDONTWRITEBYTECODE=1 \
    PYTHONUNBUFFERED=1

COPY --from=build /opt/playvitals /opt/playvitals

# A number, so that Kubernetes can see that it is not root. Nothing is written but in /tmp, which
# may be a tmpfs of a megabyte; the rest may be read-only.
USER 10001:10001
WORKDIR /tmp

# The API, and the worker's metrics. Both listen on loopback until told otherwise:
# PLAYVITALS_API_ADDRESS=0.0.0.0:8080, PLAYVITALS_METRICS_ADDRESS=0.0.0.0:6066.
EXPOSE 8080 6066

# A worker makes its last checkpoint and ends within 10 s; give it 15 before SIGKILL.
STOPSIGNAL SIGTERM

HEALTHCHECK --interval=10s --timeout=8s --start-period=60s --retries=3 \
    CMD ["python", "-m", "app.probe"]

ENTRYPOINT ["playvitals"]
CMD ["--help"]
