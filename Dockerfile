# syntax=docker/dockerfile:1
FROM swift:6.3-bookworm AS build
RUN apt-get update -qq && apt-get install -y -qq --no-install-recommends libcurl4-openssl-dev libnats-dev libssl-dev libpq-dev zlib1g-dev pkg-config
WORKDIR /source
COPY Package.swift ./
RUN swift package resolve
COPY Sources Sources
COPY Tests Tests
RUN swift build -c release --product tickwire --static-swift-stdlib

FROM debian:bookworm-slim
RUN apt-get update -qq \
    && apt-get install -y -qq --no-install-recommends ca-certificates libcurl4 libnats3.4 libpq5 libxml2 \
    && rm -rf /var/lib/apt/lists/* \
    && useradd --system --home-dir /var/lib/tickwire --create-home tickwire
COPY --from=build /source/.build/release/tickwire /usr/bin/tickwire
COPY Feeds /usr/share/tickwire/Feeds
COPY Migrations /usr/share/tickwire/Migrations
USER tickwire
ENV TICKWIRE_DATA_DIR=/var/lib/tickwire
EXPOSE 6001
ENTRYPOINT ["tickwire"]
CMD ["up", "--bind", "0.0.0.0"]
