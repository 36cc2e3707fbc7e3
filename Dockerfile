# The images of roost, for linux/amd64:
#
#   docker build -t roost .                       runs on CPUs
#   docker build -t roost:cuda --target cuda .    brings CUDA's libraries, which the engine does not use yet
#
# Mount the folder of a model at /repository to serve it. Without one, the small demo model inside is served.

ARG BASE=node:24-bookworm-slim
# Any image with CUDA 12 and cuDNN 9 on Ubuntu 22.04 or 24.04 works: both run the Node of the image above.
ARG CUDA_BASE=nvidia/cuda:12.9.1-cudnn-runtime-ubuntu24.04

# Only what npm reads: while these files stay the same, the installed packages come from the build cache.
FROM ${BASE} AS manifest
WORKDIR /app
COPY package.json package-lock.json .npmrc ./

FROM manifest AS dependencies
# Not needed to serve, but most of the size: TypeScript, which npm leaves in since it is an optional peer of
# @nestjs/swagger, and ONNX Runtime's libraries for other platforms.
RUN npm ci --omit=dev --no-audit && \
    rm -rf node_modules/typescript node_modules/.bin/tsc node_modules/.bin/tsserver && \
    cd node_modules/onnxruntime-node/bin/napi-v6 && \
    rm -rf darwin win32 linux/arm64

FROM dependencies AS cuda-dependencies
# Fetches the CUDA provider from NuGet. The flag has no value since the script understands only this form (it means
# CUDA 12). The TensorRT provider comes along, but would need TensorRT, and nothing uses it.
RUN node node_modules/onnxruntime-node/script/install.js --onnxruntime-node-install && \
    rm node_modules/onnxruntime-node/bin/napi-v6/linux/x64/libonnxruntime_providers_tensorrt.so

FROM manifest AS build
RUN npm ci --no-audit
COPY nest-cli.json tsconfig.json tsconfig.build.json LICENSE* ./
COPY src src
RUN npm run build
COPY models models
# Whatever the file modes of the checkout are, the server can read its files and only root can write them.
RUN find . -path ./node_modules -prune -o -exec chmod u=rwX,go=rX {} +

FROM ${BASE} AS node

FROM ${CUDA_BASE} AS cuda
LABEL org.opencontainers.image.title="roost" \
      org.opencontainers.image.description="Serves a Hugging Face model folder over HTTP, with the libraries of CUDA" \
      org.opencontainers.image.licenses="Apache-2.0"
ENV NODE_ENV=production ORT_DISABLE_TELEMETRY=1 CACHE_DIR=/cache MALLOC_ARENA_MAX=2
WORKDIR /app
COPY --from=node /usr/local/bin/node /usr/local/bin/
COPY --from=cuda-dependencies /app/node_modules node_modules
COPY --from=build /app/models models
COPY --from=build /app/dist dist
COPY --from=build /app/package.json /app/LICENSE* ./
RUN install -d -o 10001 -g 10001 /cache
USER 10001:10001
EXPOSE 8000
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT || 8000}/health/live`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
ENTRYPOINT []
CMD ["node", "--max-semi-space-size=1", "dist/main.js"]

# The last stage is the one that is built by default.
FROM ${BASE} AS cpu
LABEL org.opencontainers.image.title="roost" \
      org.opencontainers.image.description="Serves a Hugging Face model folder over HTTP" \
      org.opencontainers.image.licenses="Apache-2.0"
# ONNX Runtime would report to its maker what it runs. The C library keeps a pool of memory for each of many threads.
ENV NODE_ENV=production ORT_DISABLE_TELEMETRY=1 CACHE_DIR=/cache MALLOC_ARENA_MAX=2
WORKDIR /app
COPY --from=dependencies /app/node_modules node_modules
COPY --from=build /app/models models
COPY --from=build /app/dist dist
COPY --from=build /app/package.json /app/LICENSE* ./
# Quantized weights; mount a volume here to keep them.
RUN install -d -o 10001 -g 10001 /cache
# A number, so that a platform can tell that it is not root.
USER 10001:10001
EXPOSE 8000
# Alive, not ready: a model may load for long. There is no curl in the base image.
HEALTHCHECK --interval=30s --timeout=5s --start-period=30s CMD ["node", "-e", "fetch(`http://127.0.0.1:${process.env.PORT || 8000}/health/live`).then(({ ok }) => process.exit(ok ? 0 : 1), () => process.exit(1))"]
# Nothing between the platform and Node, which gets the signals itself. V8 would let the memory for new objects grow to 48 MB.
ENTRYPOINT []
CMD ["node", "--max-semi-space-size=1", "dist/main.js"]
