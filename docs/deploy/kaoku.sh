#!/bin/sh
# `kaoku` with the settings and the rights of the services: install -m 0755 docs/deploy/kaoku.sh /usr/local/bin/kaoku
# Runs as the user kaoku, so files to read and to write must lie where that user may: /var/lib/kaoku, /var/backups/kaoku.
set -eu
set -- /opt/kaoku/.venv/bin/kaoku "$@"
while IFS= read -r line; do
    case $line in KAOKU_*=*) set -- "$line" "$@" ;; esac
done < /etc/kaoku/kaoku.env
cd /var/lib/kaoku
exec runuser -u kaoku -- env "$@"
