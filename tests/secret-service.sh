#!/usr/bin/env bash
# secret-service.sh COMMAND…: runs a command with a Secret Service that is unlocked, empty and its own. It ends with the
# command. Debian has what it needs in the packages gnome-keyring and dbus.
set -euo pipefail

if [ "${1-}" != --within ]; then
  data=$(mktemp -d)
  trap 'rm -rf "$data"' EXIT
  dbus-run-session -- "$0" --within "$data" "$@"
  exit
fi

data=$2
shift 2
# The daemon alone gets other directories: the command may need those of its user.
printf 'a password' |
  XDG_RUNTIME_DIR=$data XDG_DATA_HOME=$data gnome-keyring-daemon --unlock --components=secrets >/dev/null
# Until the daemon is on the bus, it would be started a second time, with the user's directories.
for _ in $(seq 100); do
  if dbus-send --session --print-reply --dest=org.freedesktop.DBus / org.freedesktop.DBus.NameHasOwner \
    string:org.freedesktop.secrets | grep -q 'boolean true'; then
    exec "$@"
  fi
  sleep 0.1
done
echo "the Secret Service did not start" >&2
exit 1
