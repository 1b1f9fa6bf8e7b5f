FROM retrial/base:bookworm AS full
RUN mkdir -p /bare/usr/bin /bare/tmp && chmod 1777 /bare/tmp && ln -s usr/bin /bare/bin && \
    { dpkg -L libc6 | grep '\.so'; for program in bash sh cat ls mkdir rm cp mv sed grep head tail sort uname env id timeout true; do \
        path=/usr/bin/$program; printf '%s\n' "$path"; \
        ldd "$path" | sed -n -e 's/.* => \(\/[^ ]*\) (0x.*/\1/p' -e 's/^[[:space:]]*\(\/[^ ]*\) (0x.*/\1/p'; \
    done; } | sort -u | while read -r path; do cp -L --parents "$path" /bare; done

FROM scratch
COPY --from=full /bare/ /
ENV PATH=/usr/bin LANG=C.UTF-8
COPY workspace/ /app/
WORKDIR /app
