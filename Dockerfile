# Pages are served without a bundler: this stage only collects the files they load.
FROM node:22-bookworm-slim AS front-end
WORKDIR /build
COPY package.json package-lock.json .npmrc ./
COPY web/vendor.mjs web/
RUN npm ci --omit=dev && npm run vendor

FROM python:3.11-slim-bookworm AS packages
COPY requirements/runtime.txt /build/
RUN python -m venv /opt/venv \
    && /opt/venv/bin/pip install --no-cache-dir --require-hashes -r /build/runtime.txt

FROM python:3.11-slim-bookworm
RUN useradd --system --uid 10001 --no-create-home lagesbild \
    && install --directory --owner lagesbild /data
COPY --from=packages /opt/venv /opt/venv
WORKDIR /srv/lagesbild
COPY . .
COPY --from=front-end /build/web/static/vendor web/static/vendor
ENV PATH=/opt/venv/bin:$PATH \
    PYTHONUNBUFFERED=1 \
    LAGESBILD_DATABASE_URL=sqlite:////data/lagesbild.gpkg \
    UVICORN_HOST=0.0.0.0 \
    UVICORN_PORT=8000
RUN pip install --no-cache-dir --no-deps --no-build-isolation --editable .
USER 10001
VOLUME /data
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s \
    CMD ["python", "-c", "import os, urllib.request as web; web.urlopen('http://127.0.0.1:' + os.environ['UVICORN_PORT'] + '/health', timeout=4)"]
CMD ["uvicorn", "--factory", "app.main:create_app"]
