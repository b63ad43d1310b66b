#!/bin/sh
# Tells ccserver where this Asterisk keeps its files, waits until ccserver has rendered them, and runs.
set -eu

base=/var/lib/ccserver/asterisk
modules=$(dirname "$(find /usr/lib -name res_ari.so | head -n 1)")
mkdir -p "$base/etc" "$base/lib/keys" "$base/lib/agi-bin" "$base/spool/cache" "$base/run" "$base/log"
chmod 700 "$base/etc"

cat >"$base/layout.new" <<EOF
{
  "ports": {"sip_address": "0.0.0.0", "sip": 5060, "http_address": "127.0.0.1", "http": 8088, "ami": 5038,
            "rtp_first": 10000, "rtp_last": 10199},
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
