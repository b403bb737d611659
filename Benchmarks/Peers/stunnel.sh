#!/bin/sh
# stunnel.sh CHATD PORT CERTIFICATE KEY: chatd on a Unix socket, and stunnel before it. Both end with this process.
set -eu
directory=$(mktemp -d)
"$1" --listen "unix:$directory/chatd" >/dev/null 2>&1 &
chatd=$!
cat >"$directory/stunnel.conf" <<END
foreground = yes
pid =
debug = err
socket = l:TCP_NODELAY=1
[chat]
accept = 127.0.0.1:$2
connect = $directory/chatd
cert = $PWD/$3
key = $PWD/$4
END
stunnel=
trap 'kill $stunnel $chatd 2>/dev/null; rm -rf "$directory"; exit 0' TERM INT
stunnel4 "$directory/stunnel.conf" &
stunnel=$!
wait "$stunnel"
