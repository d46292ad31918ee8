# bash: pipes, redirections, substitutions, traps, here-documents, job control.
set -m
cd "$(mktemp -d)" || exit 1
seq 1 1000 | tee all | grep 7 | sort -rn | head -3
printf '%s\n' one two three | while read -r word; do echo "<$word>"; done
echo "$(echo nested "$(echo deep)")"
diff <(seq 5) <(seq 1 2 5) | sed -n '1,3p'
cat <<END
here $((6 * 7)) ${HOME:+home}
END
exec 5>out; echo to five >&5; exec 5>&-; cat out
{ echo err >&2; } 2>&1 | tr a-z A-Z
false | true; echo "pipe status ${PIPESTATUS[*]}"
(exit 7); echo "status $?"
trap 'echo trapped' USR1; kill -USR1 $$; sleep 0.1
( trap 'echo bye' EXIT; exit 3 ); echo "sub $?"
sleep 30 & job=$!
jobs -r | sed 's/[0-9]\{3,\}//'
kill -STOP $job; sleep 0.2; jobs -s | grep -c Stopped
kill -CONT $job; sleep 0.2; jobs -r | grep -c Running
{ kill $job; wait $job; } 2>/dev/null; echo "killed $?"
sleep 0.2 & sleep 0.1 & wait; echo "all done"
{ bash -c 'kill -9 $$'; } 2>/dev/null; echo "nine $?"
timeout 0.3 sleep 10; echo "timeout $?"
mkfifo pipe; (sleep 0.1; echo through a fifo) >pipe & cat pipe; wait
declare -A map=([b]=2 [a]=1); for k in a b; do echo "$k=${map[$k]}"; done
f() { local n=$1; ((n < 2)) && { echo "$n"; return; }; echo $(($(f $((n - 1))) + $(f $((n - 2))))); }
f 10
ulimit -n 64; ulimit -n
umask 027; touch masked; stat -c %a masked
yes | head -100000 | wc -l
coproc UP { tr a-z A-Z; }; echo shout >&"${UP[1]}"; eval "exec ${UP[1]}>&-"; cat <&"${UP[0]}"
