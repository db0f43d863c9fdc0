# Three images: `prober`, the program alone and without privileges; `host`, for the machines of the lab; `services`,
# for those of scenarios with real services or a tunnel.
#
#   docker build --target prober -t bindprobe .
#   docker run --rm --cap-drop=ALL bindprobe scan ...                       # ordinary connections
#   docker run --rm --cap-drop=ALL --cap-add=NET_RAW bindprobe scan ...     # raw packets as well

# Any image with Python 3.11 or newer and its venv module.
ARG BASE=python:3.13-slim-bookworm

FROM ${BASE} AS build
# Without an index: put wheels of what requirements.lock names, and of hatchling, into wheels/ and build with
# --build-arg PIP_NO_INDEX=1 --build-arg PIP_FIND_LINKS=/wheels
ARG PIP_NO_INDEX=
ARG PIP_FIND_LINKS=
ENV PIP_DISABLE_PIP_VERSION_CHECK=1 PIP_NO_CACHE_DIR=1 PIP_ROOT_USER_ACTION=ignore
WORKDIR /src
RUN python3 -m venv /opt/bindprobe
COPY LICENSE wheel* /wheels/
COPY requirements.lock ./
RUN /opt/bindprobe/bin/pip install --quiet --require-hashes -r requirements.lock
COPY pyproject.toml README.md LICENSE ./
COPY probe probe
COPY scenarios scenarios
RUN /opt/bindprobe/bin/pip install --quiet --no-deps . \
 && /opt/bindprobe/bin/pip uninstall --quiet --yes pip setuptools \
 && find /opt/bindprobe/bin -name 'python*' -delete

FROM ${BASE} AS prober
COPY --from=build /opt/bindprobe /opt/bindprobe
# An interpreter of its own that may take CAP_NET_RAW, where the container has it at all: version 2, permitted and not
# effective, so that it also starts where the container has not (capabilities(7), linux/capability.h).
RUN cp -L "$(command -v python3)" /opt/bindprobe/bin/python3 \
 && ln -s python3 /opt/bindprobe/bin/python \
 && python3 -c 'import os, struct; os.setxattr("/opt/bindprobe/bin/python3", "security.capability", struct.pack("<5I", 0x02000000, 1 << 13, 0, 0, 0))' \
 && ln -s /opt/bindprobe/bin/bindprobe /usr/local/bin/bindprobe
ENV PYTHONDONTWRITEBYTECODE=1
USER 65534:65534
WORKDIR /tmp
ENTRYPOINT ["bindprobe"]

# The target, the router and the prober's network: the same code as the hosts in network namespaces.
FROM prober AS host
USER 0:0
RUN command -v ip nft sysctl > /dev/null \
 || { apt-get -q update && apt-get -q install -y --no-install-recommends iproute2 nftables procps \
      && rm -rf /var/lib/apt/lists/*; }
ENTRYPOINT ["/opt/bindprobe/bin/python3", "-m", "probe.lab.compose.host"]

# The programs of real services, and of WireGuard. Nothing is started here, and no database or key is made: the host
# does that. Without a mirror: put these packages, with all that they depend on, into packages/.
FROM host AS services
ARG PROGRAMS="dnsmasq-base nginx-light openssh-client openssh-server openssl postgresql redis-server wireguard-go wireguard-tools"
COPY LICENSE packages* /packages/
RUN printf '#!/bin/sh\nexit 101\n' > /usr/sbin/policy-rc.d && chmod 755 /usr/sbin/policy-rc.d \
 && mkdir -p /etc/postgresql-common && echo create_main_cluster=false > /etc/postgresql-common/createcluster.conf \
 && set -- /packages/*.deb \
 && if [ ! -e "$1" ]; then apt-get -q update && set -- $PROGRAMS; fi \
 && DEBIAN_FRONTEND=noninteractive apt-get -q install -y --no-install-recommends \
      -o Dpkg::Options::=--force-confold -o Dpkg::Options::=--force-unsafe-io "$@" \
 && rm -rf /var/lib/apt/lists/* /etc/ssh/ssh_host_*
