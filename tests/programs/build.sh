# gcc and make: a program of several files and a library, static, shared and threaded.
set -e
cd "$(mktemp -d)"
mkdir src
for i in $(seq 1 12); do
  printf '#include "all.h"\nint part%d(int n)\n{\n\tint sum = 0;\n\tfor (int i = 0; i < n; i++)\n\t\tsum = sum * 31 + i * %d;\n\treturn sum;\n}\n' $i $i >src/part$i.c
done
{ echo '#pragma once'; for i in $(seq 1 12); do echo "int part$i(int n);"; done; } >src/all.h
{ printf '#include <stdio.h>\n#include <pthread.h>\n#include "all.h"\nstatic void *run(void *a) { return (void *)(long)part1((long)a); }\nint main(int argc, char **argv)\n{\n\tpthread_t t;\n\tvoid *r;\n\tunsigned s = 0;\n'
  for i in $(seq 1 12); do echo "	s = s * 7 + part$i(argc * 100);"; done
  printf '\tpthread_create(&t, 0, run, (void *)50L);\n\tpthread_join(t, &r);\n\tprintf("%%u %%d %%s\\n", s, (int)(long)r, argv[argc - 1]);\n\treturn 0;\n}\n'; } >src/main.c
cat >Makefile <<'END'
OBJ := $(patsubst src/%.c,obj/%.o,$(filter-out src/main.c,$(wildcard src/*.c)))
all: plain static shared
obj/%.o: src/%.c src/all.h ; @mkdir -p obj && gcc -O2 -g -Wall -fPIC -c $< -o $@
libparts.a: $(OBJ) ; @ar rcs $@ $(sort $^)
libparts.so: $(OBJ) ; @gcc -shared $(sort $^) -o $@
plain: obj/main.o libparts.a ; @gcc $^ -o $@ -pthread
static: obj/main.o libparts.a ; @gcc -static $^ -o $@ -pthread
shared: obj/main.o libparts.so ; @gcc obj/main.o -L. -lparts -Wl,-rpath,'$$ORIGIN' -o $@ -pthread
clean: ; @rm -rf obj libparts.* plain static shared
END
make -s -j4 && ./plain one two && ./static one two && ./shared one two
make -q && echo up to date; sleep 1; touch src/part3.c; make -n | grep -c 'part3.c'; make -s -j2; ./plain x
nm libparts.a | grep -c ' T part'; readelf -d shared | grep -o 'libparts.so'; ldd ./shared | grep -c parts; file -b plain 2>/dev/null | cut -c1-10 || true
gcc -O2 -S -o - src/part5.c | grep -c 'part5:'; echo 'int main(void) { return undefined(); }' >bad.c; gcc -Werror bad.c 2>&1 | grep -c error; gcc -E src/main.c | tail -2 | wc -l
g++ --version >/dev/null 2>&1 && { printf '#include <iostream>\n#include <map>\n#include <stdexcept>\nint main() { std::map<int, std::string> m{{2, "b"}, {1, "a"}}; for (auto &p : m) std::cout << p.first << p.second; try { throw std::runtime_error("thrown"); } catch (std::exception &e) { std::cout << e.what() << "\\n"; } }\n' >t.cc; g++ -O1 t.cc -o t && ./t; } || true
make -s clean; ls | sort | tr '\n' ' '; echo
