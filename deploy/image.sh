#!/usr/bin/env bash
# Lays out the file system of the container image: the program, the shared libraries that it needs, certificates,
# time zones and a user. Nothing else is in the image: no shell, no package manager.
#   deploy/image.sh BINARY ROOT
set -euo pipefail
binary=$1 root=$2
user=1001

install -d -m 0755 "$root"
install -d "$root"/{usr/bin,etc/ssl/certs,usr/share} "$root"/etc/gateway
install -d -m 0700 "$root"/var/lib/gateway
install -d -m 1777 "$root"/tmp
install -m 0755 "$binary" "$root/usr/bin/gateway"
strip --strip-unneeded "$root/usr/bin/gateway"

# Each library at the path where the loader of this system has found it, the loader too.
ldd "$binary" | awk '$2 == "=>" && $3 ~ /^\// { print $3 } $1 ~ /^\// { print $1 }' | while read -r library; do
  install -D -m 0755 "$(readlink -f "$library")" "$root$library"
done

install -m 0644 /etc/ssl/certs/ca-certificates.crt "$root/etc/ssl/certs/ca-certificates.crt"
# Where OpenSSL looks by itself.
install -d "$root/usr/lib/ssl"
ln -sfn ../../../etc/ssl/certs/ca-certificates.crt "$root/usr/lib/ssl/cert.pem"
cp -R /usr/share/zoneinfo "$root/usr/share/zoneinfo"

echo "gateway:x:$user:$user::/var/lib/gateway:/sbin/nologin" > "$root/etc/passwd"
echo "gateway:x:$user:" > "$root/etc/group"
echo "hosts: files dns" > "$root/etc/nsswitch.conf"
[ "$(id -u)" -ne 0 ] || chown "$user:$user" "$root/var/lib/gateway"
