# syntax=docker/dockerfile:1
# The operator: `controller` or `agent`, chosen by the arguments.
ARG NODE_IMAGE=node:24.21.0-bookworm-slim

FROM ${NODE_IMAGE} AS build
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
# Scripts are off: the image has a Node.js, and the build is a step of its own.
RUN npm ci --ignore-scripts
COPY tsconfig.json tsconfig.build.json ./
COPY operator operator
RUN node node_modules/typescript/bin/tsc -p tsconfig.build.json \
 && npm prune --omit=dev --ignore-scripts

FROM ${NODE_IMAGE}
ENV NODE_ENV=production
WORKDIR /opt/stubdom
COPY --from=build /src/package.json ./
COPY --from=build /src/node_modules node_modules
COPY --from=build /src/dist dist
COPY crds crds
COPY LICENSE ./
# The agent needs more only for the sockets and devices of its host, which the DaemonSet grants.
USER 65532:65532
ENTRYPOINT ["node", "/opt/stubdom/dist/operator/main.js"]
CMD ["--help"]
