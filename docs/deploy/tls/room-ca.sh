#!/bin/sh
# A certificate authority of the exam room and a certificate for its server, for networks without a public name.
#   sh room-ca.sh FOLDER NAME-OR-ADDRESS [NAME-OR-ADDRESS …]      for example: sh room-ca.sh /etc/kaoku/tls exam.lan 192.168.10.2
# room-ca.crt goes to every exam machine; room-ca.key stays in a safe; server.crt and server.key go to nginx.
set -eu
umask 077
[ $# -ge 2 ] || { echo "usage: sh room-ca.sh FOLDER NAME-OR-ADDRESS …" >&2; exit 2; }
folder=$1; shift
mkdir -p "$folder"
cd "$folder"

names=""
for name in "$@"; do
    case $name in
        *[!0-9.]*) names="$names,DNS:$name" ;;
        *) names="$names,IP:$name" ;;
    esac
done

if [ -e room-ca.crt ] && [ ! -e room-ca.key ]; then
    echo "room-ca.crt is here without room-ca.key: bring the key back from the safe, so that the exam machines go on trusting this server" >&2
    echo "(to begin anew, and install a new room-ca.crt on every machine, move the old room-ca.crt away first)" >&2
    exit 1
fi
if [ ! -e room-ca.key ]; then
    openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -sha256 -days 3650 \
        -subj "/CN=Kaoku room CA $(hostname)" \
        -addext basicConstraints=critical,CA:TRUE,pathlen:0 -addext keyUsage=critical,keyCertSign,cRLSign \
        -keyout room-ca.key -out room-ca.crt
fi
openssl req -new -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -subj "/CN=$1" -keyout server.key -out server.csr
printf 'subjectAltName=%s\nextendedKeyUsage=serverAuth\nbasicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n' \
    "${names#,}" > server.ext
openssl x509 -req -in server.csr -CA room-ca.crt -CAkey room-ca.key -CAcreateserial -sha256 -days 397 \
    -extfile server.ext -out server.leaf
cat server.leaf room-ca.crt > server.crt
rm -f server.csr server.ext server.leaf room-ca.srl
chmod 644 room-ca.crt server.crt
openssl verify -CAfile room-ca.crt server.crt
openssl x509 -in server.crt -noout -enddate -ext subjectAltName
