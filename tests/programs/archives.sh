# tar, gzip, xz, bzip2, zstd where present: packing and unpacking a tree.
set -e
cd "$(mktemp -d)"
mkdir -p src/deep/er; seq 1 50000 >src/numbers; head -c 300000 /dev/zero >src/zeros; echo text >src/deep/er/text
ln -s ../numbers src/deep/link; ln src/numbers src/hard; chmod 750 src/deep; mkfifo src/fifo; touch -d @1000000000 src/numbers
truncate -s 2M src/sparse; printf tail >>src/sparse
tar --sort=name --numeric-owner -cf a.tar src; tar -tf a.tar | sort
mkdir out; tar -C out -xpf a.tar; diff -r --no-dereference -x fifo src out/src && echo tar agrees
stat -c '%A %h %Y %n' out/src/numbers; stat -c '%A %n' out/src/deep out/src/fifo
tar -cSf sparse.tar src/sparse; rm -r out; mkdir out; tar -C out -xf sparse.tar; cmp src/sparse out/src/sparse && stat -c '%b' out/src/sparse | awk '{ print ($1 < 100 ? "sparse" : "full") }'
for z in gzip xz bzip2; do command -v $z >/dev/null || continue
  $z -k -c src/numbers >n.$z; $z -dc n.$z | cmp - src/numbers && echo $z $(($(stat -c %s n.$z) < 200000)); done
gzip -n -9 -c src/numbers | md5sum; xz -T1 -6 -c src/numbers | md5sum; xz -T2 -c src/zeros | xz -dc | cmp - src/zeros && echo threads
tar -czf a.tgz src; tar -xzOf a.tgz src/deep/er/text; tar -cJf a.txz src; tar -xJOf a.txz src/deep/er/text; zcat a.tgz | tar -t | wc -l
tar --delete -f a.tar src/zeros; tar -tf a.tar | grep -c zeros || true; tar -rf a.tar --transform s/src/extra/ src/deep/er/text; tar -tf a.tar | tail -1
printf garbage | gzip -dc 2>&1 | sed 's/^gzip: //' || true; head -c 1000 n.gzip | gzip -dc >/dev/null 2>cut || sed 's/^gzip: //' cut | head -1
tar -cf - src | (mkdir pipe; cd pipe; tar -xf -); diff -r --no-dereference -x fifo src pipe/src && echo piped
