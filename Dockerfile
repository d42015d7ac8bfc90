# The image holds what the node needs to run: the compiled code, the production packages, package.json, the licences, and jemalloc.
# Plain instructions only (no cache mounts, no COPY --chmod), as docker-compose 1.29 builds without BuildKit.

FROM node:24-bookworm-slim AS build
WORKDIR /app
COPY package.json package-lock.json ./
# no package's script is needed: the binaries are prebuilt
RUN npm ci --ignore-scripts --no-audit --no-fund
COPY tsconfig.json tsconfig.build.json ./
COPY scripts/clean.mjs scripts/bundle.mjs scripts/unused-wasm.cjs ./scripts/
COPY src ./src
# what only compilers and debuggers read stays behind, here and below: half of the packages' size
# the source maps stay: profiles and stack traces name TypeScript files and lines
RUN npm run build && find dist -type f -name '*.d.ts' -delete

FROM node:24-bookworm-slim AS packages
WORKDIR /app
COPY package.json package-lock.json ./
RUN npm ci --ignore-scripts --omit=dev --no-audit --no-fund \
 && find node_modules -type f \( -name '*.ts' -o -name '*.[cm]ts' -o -name '*.map' \) -delete

FROM node:24-bookworm-slim
LABEL org.opencontainers.image.title="PowerLoom bootstrap node" \
      org.opencontainers.image.description="The libp2p rendezvous server of the PowerLoom snapshotter network" \
      org.opencontainers.image.licenses="Apache-2.0 OR MIT" \
      org.opencontainers.image.vendor="PowerLoom"
# glibc's malloc keeps what a flood took; jemalloc gives it back within seconds, and a join costs no more CPU
RUN apt-get update && apt-get install --yes --no-install-recommends libjemalloc2 && rm -rf /var/lib/apt/lists/*
ENV LD_PRELOAD=libjemalloc.so.2
ENV MALLOC_CONF=background_thread:true,narenas:2,dirty_decay_ms:500,muzzy_decay_ms:0
ENV NODE_ENV=production
WORKDIR /app
# the two places the node may write to; a named volume mounted here takes over the owner
RUN mkdir logs data && chown 1000:1000 logs data
COPY --from=packages /app/node_modules ./node_modules
COPY --from=build /app/dist ./dist
COPY package.json LICENSE LICENSE-APACHE LICENSE-MIT ./
# the image's `node` user, by number: Kubernetes' runAsNonRoot cannot tell what a name stands for
USER 1000:1000
# the node's default port, and the usual one of its profiling server
EXPOSE 4001 6060
STOPSIGNAL SIGTERM
# dials the node as a client would, at the port of BOOTSTRAP_PORT
HEALTHCHECK --interval=30s --timeout=10s --start-period=30s --retries=3 CMD ["node", "dist/main.js", "check"]
# no init in here: the node has no children and handles its signals; compose's `init: true` and `docker run --init`
# add Docker's own, which also ends a node that is still starting
ENTRYPOINT ["node", "dist/main.js"]
