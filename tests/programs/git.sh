# git: init, commit, log, branch, merge, clone, gc of local repositories.
set -e
cd "$(mktemp -d)"
export HOME=$PWD GIT_CONFIG_NOSYSTEM=1 GIT_AUTHOR_NAME=A GIT_AUTHOR_EMAIL=a@b.c GIT_COMMITTER_NAME=C GIT_COMMITTER_EMAIL=c@d.e
export GIT_AUTHOR_DATE='2020-01-01T00:00:00Z' GIT_COMMITTER_DATE='2020-01-01T00:00:00Z' GIT_PAGER=cat
git config --global init.defaultBranch main; git config --global advice.detachedHead false
git init -q repo; cd repo
for i in $(seq 20); do seq 1 $((i * 10)) >file$((i % 4)); git add -A; git commit -qm "change $i"; done
git log --oneline | head -5; git rev-parse HEAD; git log --stat -1 | tail -2
git checkout -q -b side HEAD~5; echo side >side; git add side; git commit -qm side; git checkout -q main
git merge -q --no-edit side; git log --graph --oneline | head -4; git show --stat --oneline HEAD~1 | tail -1
git checkout -q -b clash HEAD~9; echo X >file1; git commit -qam X; git merge main >merge.txt 2>&1 || grep -c CONFLICT merge.txt; git merge --abort; rm -f merge.txt
git checkout -q main; git tag v1; git status --short | wc -l; git diff HEAD~2 --shortstat; git blame -s file1 | head -2 | cut -c1-8
git stash list | wc -l; echo change >>file2; git stash -q; git stash pop -q; git diff --shortstat; git checkout -q -- .
git fsck --full 2>&1 | grep -v '^Checking\|^dangling' | wc -l; git gc -q; git count-objects -v | grep '^packs'
cd ..; git clone -q repo copy; cd copy; git rev-parse HEAD; git log --oneline | wc -l; git branch -r | wc -l
echo new >new; git add new; git commit -qm new; git push -q origin HEAD:refs/heads/pushed; git -C ../repo log -1 --format=%s pushed
git clone -q --bare ../repo ../bare.git; git -C ../bare.git cat-file -p v1:side; git bundle create -q ../b.bundle main; git bundle verify -q ../b.bundle && echo bundle
git archive HEAD | tar -t | sort | head -3; git grep -c 100 | sort | head -2; git worktree add -q ../wt v1; ls ../wt | wc -l; git rebase -q v1 && git log -1 --format=%s
