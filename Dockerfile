# The client of kinema, without PyTorch: says what videos show, by a model that is mounted. docs/deploying.md has the
# commands; a test runs those of this file in a new environment, and `make lint` looks at it.

FROM python:3.11-slim-trixie AS build

WORKDIR /source

COPY pyproject.toml README.md LICENSE constraints.txt ./
COPY kinema kinema

RUN python -m venv /opt/kinema \
    && /opt/kinema/bin/python -m pip install --no-cache-dir --constraint constraints.txt .

FROM python:3.11-slim-trixie

# what opencv-python links and does not bring
RUN apt-get update \
    && apt-get install --yes --no-install-recommends libgl1 libglib2.0-0t64 \
    && rm -rf /var/lib/apt/lists/*

COPY --from=build /opt/kinema /opt/kinema

RUN useradd --create-home --uid 1000 kinema

USER kinema

WORKDIR /videos

ENTRYPOINT ["/opt/kinema/bin/kinema"]
CMD ["--help"]
