#!/bin/sh
# The keeper of the rehearsal mailbox (ccserver/telephony/pbx_mailbox.py): boots a throw-away Asterisk for each room
# in which ccserver has left a configuration and a file "start", and ends it when it is told to or its time is over.
#   rehearse.sh FOLDER [ASTERISK...]
set -u

box=$1
shift
[ $# -gt 0 ] || set -- asterisk
mkdir -p "$box"
chmod 700 "$box"

# room FOLDER SECONDS COMMAND...: one throw-away Asterisk from its beginning to its end.
room() {
    folder=$1 left=$(($2 * 5))
    shift 2
    (cd "$folder/run" && exec "$@" -f -n -C "$folder/etc/asterisk.conf") \
        >"$folder/log/console.log" 2>&1 </dev/null &
    child=$!
    while kill -0 "$child" 2>/dev/null && [ ! -e "$folder/stop" ] && [ -d "$folder" ] && [ "$left" -gt 0 ]; do
        sleep 0.2
        left=$((left - 1))
    done
    kill -KILL "$child" 2>/dev/null
    wait "$child" 2>/dev/null
    [ ! -d "$folder" ] || : >"$folder/ended"
}

while :; do
    : >"$box/open"
    for start in "$box"/*/start; do
        [ -f "$start" ] || continue
        folder=${start%/start}
        seconds=$(cat "$start")
        rm -f "$start"
        case $seconds in '' | *[!0-9]*) seconds=60 ;; esac
        room "$folder" "$seconds" "$@" &
    done
    sleep 0.5
done
