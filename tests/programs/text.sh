# grep, sed and awk on generated text.
set -e
cd "$(mktemp -d)"
awk 'BEGIN { srand(1); s = 42; for (i = 1; i <= 20000; i++) { s = (s * 1103515245 + 12345) % 2147483648; printf "%d user%d %s %d.%02d\n", i, s % 50, (s % 7 ? "ok" : "FAIL"), s % 1000, i % 100 } }' >log
wc -l log; md5sum <log
grep -c FAIL log; grep -n 'user7 FAIL' log | head -3; grep -Eo 'user[0-9]+' log | sort | uniq -c | sort -rn | head -3
grep -v ok log | grep -w user1 | tail -2; grep -A1 -B1 '^100 ' log; grep -rl FAIL . ; grep -q nothing log || echo none
grep -P '^\d+ user(\d)\1 ' log | wc -l; grep -F '.99' log | wc -l; grep -z -c user log
sed -n '5,8p' log; sed 's/user\([0-9]*\) \(.*\)/\2 by \1/;5q' log; sed -i.bak '1~2d' log; wc -l log log.bak | head -2
sed -e ':a' -e '$!N;s/\n/ /;ta' <<<$'a\nb\nc'; sed '/FAIL/!d;s//BAD/' log | head -2; sed 'y/abc/xyz/' <<<aabbcc
awk '{ n[$2]++; sum[$2] += $4 } END { for (u in n) printf "%s %d %.2f\n", u, n[u], sum[u] / n[u] }' log | sort | head -5
awk -F. '{ print $2 }' log | sort -u | wc -l; awk 'NR % 2500 == 0 { print toupper($3), length($0), substr($2, 5) }' log
awk 'BEGIN { while (("seq 3" | getline x) > 0) print "got", x; "echo hi" | getline; print; print "sorted" | "sort"; close("sort"); system("echo from system") }'
awk '{ print > ("part-" $3) } END { print NR }' log; wc -l part-* | head -2; awk 'BEGIN { printf "%s %d %c %e\n", "x", 3.9, 65, 12345.678 }'
