# Two images from one file: `--target web` (no torch) and `--target worker`.
#   docker build --target web -t soundkin-web .
#   docker build --target worker -t soundkin-worker .
# For a CPU build of torch in the worker, pass PyTorch's CPU wheel index:
#   docker build --target worker --build-arg PIP_EXTRA_INDEX_URL=<url of the CPU wheels> .
FROM python:3.12-slim AS base
ENV PYTHONUNBUFFERED=1 PIP_NO_CACHE_DIR=1 PIP_DISABLE_PIP_VERSION_CHECK=1
RUN useradd --create-home --uid 10001 soundkin && install -d -o soundkin /data
WORKDIR /opt/soundkin
COPY constraints.txt pyproject.toml README.md LICENSE ./

FROM base AS code
COPY app ./app
COPY models ./models
COPY workers ./workers
COPY migrations ./migrations

FROM code AS web
ARG FAISS=cpu
ARG PIP_EXTRA_INDEX_URL
# The web process probes uploads with PyAV but never loads what makes vectors and maps, so none of it is installed here.
RUN python - <<'PY' > web-requirements.txt
import tomllib
project = tomllib.load(open("pyproject.toml", "rb"))["project"]
heavy = ("torch", "librosa", "opentsne", "scikit-learn")
print("\n".join(r for r in project["dependencies"] if not r.startswith(heavy)))
PY
RUN pip install --constraint constraints.txt --requirement web-requirements.txt "s3fs" "faiss-${FAISS}" "pymilvus" \
    && pip install --no-deps .
USER soundkin
ENV SOUNDKIN_DATA_DIR=/data SOUNDKIN_HOST=0.0.0.0 SOUNDKIN_EMBEDDED_WORKER=false SOUNDKIN_LOG_JSON=true
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=10s --timeout=3s --start-period=30s \
    CMD ["python", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8000/healthz', timeout=2)"]
CMD ["soundkin", "serve"]

FROM code AS worker
ARG PIP_EXTRA_INDEX_URL
# openTSNE has no wheel for Linux on ARM: it is compiled there.
RUN [ "$(uname -m)" != aarch64 ] || { apt-get update && apt-get install --yes --no-install-recommends g++; }
RUN pip install --constraint constraints.txt torch && pip install --constraint constraints.txt ".[s3]"
USER soundkin
ENV SOUNDKIN_DATA_DIR=/data SOUNDKIN_LOG_JSON=true
VOLUME /data
CMD ["python", "-m", "workers"]
