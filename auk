#!/bin/sh
# Builds the launcher if it is missing or older than its source, and becomes it.
here=$(dirname -- "$(readlink -f -- "$0")")
if [ ! -x "$here/build/auk" ] || [ ! -x "$here/build/auk-init" ] ||
	[ -n "$(find "$here/launcher" "$here/user/auk-init" -newer "$here/build/auk" -print -quit)" ]; then
	make --no-print-directory -C "$here" launcher >&2 || exit 125
fi
exec "$here/build/auk" "$@"
