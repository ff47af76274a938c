#!/bin/sh
# Pictures of the sample pages: crates/ui/look.sh [page…]. Needs python3 and chromium; first run the page tests of the server.
# Pictures go to target/pages/png/, named {language}-{theme}-{page}-{size}.png.
set -eu
pages=${PAGES_DIR:-$(dirname "$0")/../../target/pages}
cd "$pages"
mkdir -p png
python3 -u -m http.server --bind 127.0.0.1 0 >server.log 2>&1 &
server=$!
profile=$(mktemp -d)
trap 'kill "$server"; rm -rf "$profile"' EXIT
port=
while [ -z "$port" ]; do port=$(sed -n 's/.* port \([0-9]*\).*/\1/p' server.log); done
shot() { # name size
    chromium --headless=new --no-sandbox --disable-gpu --disable-dev-shm-usage --no-first-run --hide-scrollbars \
        --user-data-dir="$profile" --virtual-time-budget=1500 --window-size="$2" --screenshot="png/$1-$3.png" "http://127.0.0.1:$port/$1.html" >/dev/null 2>&1
}
for name in "$@"; do
    shot "$name" 1440,"${TALL:-900}" desktop
    [ -n "${NOPHONE:-}" ] || shot "$name" 500,"${TALL:-1083}" phone
done
