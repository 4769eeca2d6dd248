# The operator: `controller` or `agent`, chosen by the arguments. See docs/image.md.
# A release is built with both: a version and, as "@sha256:...", what it was when it was tried.
ARG NODE_IMAGE=docker.io/library/node:24.21.0-bookworm-slim
ARG NODE_DIGEST=

FROM ${NODE_IMAGE}${NODE_DIGEST} AS build
WORKDIR /src
COPY package.json package-lock.json .npmrc ./
# Scripts are off: the base has a Node.js, and the build is a step of its own.
RUN npm ci --ignore-scripts
COPY tsconfig.json tsconfig.build.json ./
COPY operator operator
RUN node node_modules/typescript/bin/tsc -p tsconfig.build.json --incremental false --sourceMap false \
 && npm prune --omit=dev --ignore-scripts
# Declarations, maps and sources are for compilers and debuggers; prebuilds/ are native add-ons for other run times than Node.js,
# each for a dozen platforms. koffi stays, with its one library for this processor and glibc. Anything else that is native is
# refused: what it needs would have to be in the image too.
RUN set -eu; \
    find node_modules -type d \( -name prebuilds -o -name @types -o -path 'node_modules/@koromix/*/musl_*' \) -prune -exec rm -r {} +; \
    find node_modules/koffi -mindepth 1 -maxdepth 1 -type d ! -name src -exec rm -r {} +; \
    find node_modules/koffi -type f ! -name '*.js' ! -name '*.cjs' ! -name 'package.json' ! -name 'LICENSE*' -delete; \
    find node_modules -type f \( -name '*.ts' -o -name '*.mts' -o -name '*.cts' -o -name '*.map' \) -delete; \
    find node_modules -type d -empty -delete; \
    rm -rf node_modules/.package-lock.json node_modules/.bin node_modules/undici-types node_modules/koffi/cnoke.cjs; \
    native=$(find node_modules -type f \( -name '*.node' -o -name '*.bare' -o -name '*.so' -o -name '*.dylib' -o -name '*.dll' \) \
      ! -path "node_modules/@koromix/koffi-linux-$(node -p process.arch)/linux_*/koffi.node"); \
    if [ -n "$native" ]; then echo "native code among the production dependencies: $native" >&2; exit 1; fi
# What Node.js and koffi need to run, and how Debian calls it, where scanners look for it in images without a package manager.
RUN set -eu; \
    root=/rootfs; \
    mkdir -p $root/usr/local/bin $root/etc $root/var/lib/dpkg/status.d $root/usr/share/doc; \
    cp /usr/local/bin/node $root/usr/local/bin/; \
    for program in /usr/local/bin/node $(find node_modules -name '*.node'); do ldd "$program"; done \
      | grep -o '/[^ ]*' | sort -u >/tmp/libraries; \
    while read -r library; do \
      mkdir -p "$root$(dirname "$library")"; \
      cp -L "$library" "$root$library"; \
      dpkg-query -S "*/$(basename "$library")" | cut -d: -f1; \
    done </tmp/libraries | sort -u >/tmp/packages; \
    for package in base-files $(cat /tmp/packages); do \
      dpkg-query -s "$package" >"$root/var/lib/dpkg/status.d/$package"; \
      mkdir -p "$root/usr/share/doc/$package"; \
      cp -L "/usr/share/doc/$package/copyright" "$root/usr/share/doc/$package/"; \
    done; \
    if [ -e /usr/local/LICENSE ]; then mkdir $root/usr/share/doc/node && cp /usr/local/LICENSE $root/usr/share/doc/node/; fi; \
    cp -L /etc/os-release /etc/debian_version $root/etc/; \
    echo 'hosts: files dns' >$root/etc/nsswitch.conf; \
    echo 'root:x:0:0:root:/:/none' >$root/etc/passwd; \
    echo 'stubdom:x:65532:65532:stubdom:/tmp:/none' >>$root/etc/passwd; \
    printf 'root:x:0:\nstubdom:x:65532:\n' >$root/etc/group; \
    mkdir -p $root/tmp && chmod 1777 $root/tmp
COPY crds crds
COPY LICENSE ./
# Readable by the user below and writable by nobody, however the checkout was made.
RUN chmod -R u=rwX,go=rX package.json node_modules dist crds LICENSE

FROM scratch
COPY --from=build --chown=0:0 /rootfs /
# By itself Node.js would use half of the memory that its container may have. What is not heap needs the rest.
ENV PATH=/usr/local/bin NODE_ENV=production NODE_OPTIONS="--max-old-space-size-percentage=65 --max-semi-space-size=8"
WORKDIR /opt/stubdom
COPY --from=build --chown=0:0 /src/node_modules node_modules
COPY --from=build --chown=0:0 /src/package.json /src/LICENSE ./
COPY --from=build --chown=0:0 /src/crds crds
COPY --from=build --chown=0:0 /src/dist dist
# The agent needs more only for the sockets and devices of its host, which the DaemonSet grants.
USER 65532:65532
ENTRYPOINT ["/usr/local/bin/node", "/opt/stubdom/dist/operator/main.js"]
CMD ["--help"]
