# coreutils, find, xargs and diff on a tree made here.
set -e
cd "$(mktemp -d)"
mkdir -p tree/{a,b,c}/{x,y}
for d in tree/*/*; do for i in 1 2 3; do seq $i $((i * 100)) >"$d/file$i"; done; done
ln -s ../a/x/file1 tree/b/link; ln tree/a/x/file2 tree/c/hard
find tree -type f | sort | wc -l
find tree -type l -printf '%p -> %l\n'
find tree -name 'file3' -size +1k -exec wc -c {} + | sort
find tree -links 2 -type f | sort
find tree -newer tree/a/x/file1 -type d | wc -l | sed 's/.*/newer ok/'
ls -lR --time-style=+ tree | awk 'NF > 3 { print $1, /^d/ ? "-" : $2 " " $5, $6 }' | sort | uniq -c
du -a --apparent-size -b tree/a/x/file3 | cut -f1
stat -c '%A %h %s %F %n' tree/a/x/file2 tree/b/link
sha256sum tree/a/x/file* | cut -c1-20; md5sum tree/c/y/file3; cksum tree/b/x/file2
sort -n -r -k1 tree/a/y/file3 | head -3; shuf -i 1-100 --random-source=<(yes) | head -3
comm -12 <(seq 1 10 | sort) <(seq 5 15 | sort) | tr '\n' ' '; echo
paste <(seq 3) <(seq 4 6); join <(printf '1 a\n2 b\n') <(printf '1 x\n2 y\n')
split -l 30 -d tree/a/x/file1 part; ls part* | tr '\n' ' '; cat part* | cmp - tree/a/x/file1 && echo same
cp -a tree copy; diff -r tree copy && echo copies agree
mv copy/a moved; rm -r copy; ls -d copy moved 2>&1 | sed 's/ls: //'
dd if=/dev/zero of=zeros bs=4096 count=100 status=none; od -c zeros | head -2; truncate -s 1M sparse; stat -c '%s %b' sparse
head -c 100000 /dev/urandom >noise; base64 noise | base64 -d | cmp - noise && echo base64
chmod 640 zeros; chmod u+s,o+x zeros; stat -c %a zeros; touch -d '2001-02-03 04:05:06 UTC' zeros; date -u -r zeros +%F-%T
tac tree/a/x/file1 | nl | tail -2; expr 6 \* 7; factor 1234567890; numfmt --to=iec 1048576; printf '%05.1f|%x\n' 3.14159 255
echo a b c | xargs -n1 -P3 echo item | sort; seq 1000 | xargs -n 100 | wc -l
realpath --relative-to=tree/a tree/b/x; readlink -f tree/b/link | sed 's/.*tree/tree/'; basename /x/y.c .c; dirname /x/y.c
test -w zeros -a -f zeros && echo writable; id -u | grep -c .; tsort <<<'a b b c'; fold -w 10 <<<abcdefghijklmno; seq 100 | tail -c 8
touch -- '-odd name' $'new\nline'; ls -b | grep -c 'odd\|new'; rm -- '-odd name' $'new\nline'
install -m 755 -d inst/bin; ls -ld inst/bin | cut -c1-10; rmdir -p inst/bin; ls -d inst 2>&1 | wc -l
