# The head of every script of tests/vm: `check NAME COMMAND...` prints one line, for tests/vm/run.
export PATH=/sbin:/bin
/bin/busybox --install -s /bin

check() {
	name=$1
	shift
	if said=$("$@" 2>&1); then
		echo "check: $name: ok"
	else
		echo "check: $name: status $?: $(echo "$said" | tr '\n' ' ')"
	fi
}

# is WANTED COMMAND...: the command prints this.
is() {
	wanted=$1
	shift
	got=$("$@" 2>&1)
	[ "$got" = "$wanted" ] || { echo "wanted '$wanted', got '$got'"; false; }
}

# fails MESSAGE COMMAND...: the command fails and says so.
fails() {
	wanted=$1
	shift
	if got=$("$@" 2>&1); then
		echo "succeeded: $got"
		false
	else
		case $got in
		*"$wanted"*) ;;
		*) echo "wanted '$wanted', got '$got'"; false ;;
		esac
	fi
}
