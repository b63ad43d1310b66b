#!/bin/sh
# Tells ccserver where this Asterisk keeps its files, waits until ccserver has rendered them, and runs.
set -eu

base=/var/lib/ccserver/asterisk
modules=$(dirname "$(find /usr/lib -name res_ari.so | head -n 1)")
mkdir -p "$base/etc" "$base/lib/keys" "$base/lib/agi-bin" "$base/spool/cache" "$base/run" "$base/log"
chmod 700 "$base/etc"

# Behind address translation: what Asterisk calls itself to the world, and who is not the world.
external=${ASTERISK_EXTERNAL_ADDRESS:-}
networks=${ASTERISK_LOCAL_NETWORKS:-}
case $external$networks in
    *[!0-9A-Za-z.:/,-]*)
        echo "ASTERISK_EXTERNAL_ADDRESS is one address or name, ASTERISK_LOCAL_NETWORKS is 10.0.0.0/8,192.168.0.0/16" >&2
        exit 1
        ;;
esac
[ -z "$networks" ] || networks="\"$(printf %s "$networks" | sed 's/,/", "/g')\""

# ccserver makes the certificate where there is none, before it renders anything.
cat >"$base/layout.new" <<EOF
{
  "ports": {"sip_address": "0.0.0.0", "sip": 5060, "sip_tcp": 5060, "sip_tls": 5061,
            "http_address": "127.0.0.1", "http": 8088, "ami": 5038, "rtp_first": 10000, "rtp_last": 10199},
  "tls": {"certificate": "$base/tls/certificate.pem", "key": "$base/tls/key.pem"},
  "nat": {"external_address": "$external", "local_networks": [$networks]},
  "directories": {"etc": "$base/etc", "modules": "$modules", "var_lib": "$base/lib",
                  "data": "/usr/share/asterisk", "spool": "$base/spool", "run": "$base/run", "log": "$base/log"}
}
EOF
mv "$base/layout.new" "$base/layout.json"

# ccserver's container has no Asterisk to try a configuration out with: this one boots throw-away ones for it.
/usr/local/bin/asterisk-rehearse "$base/rehearsal" &

waited=0
while [ ! -f "$base/etc/asterisk.conf" ]; do
    if [ "$waited" -ge 300 ]; then
        echo "ccserver has rendered no configuration into $base/etc in five minutes; is its container up?" >&2
        exit 1
    fi
    sleep 1
    waited=$((waited + 1))
done
rm -f "$base/run/asterisk.ctl"
exec asterisk -f -n -C "$base/etc/asterisk.conf"
