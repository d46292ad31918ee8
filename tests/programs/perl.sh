# perl: hashes, regular expressions, files, fork, pipes, sockets, threads of control.
cd "$(mktemp -d)" || exit 1
perl -e '
use strict; use warnings; use IO::Socket::UNIX; use POSIX qw(:sys_wait_h :signal_h); use File::Find; use Digest::MD5 qw(md5_hex); use Time::HiRes qw(usleep);
$| = 1;
my %h; $h{$_ % 97} += $_ for 1 .. 50000; print substr(join(",", map { "$_=$h{$_}" } sort { $a <=> $b } keys %h), 0, 60), "\n";
my $t = join " ", map { "w$_" } 1 .. 1000; my @m = $t =~ /\bw(\d*7)\b/g; print scalar(@m), " $m[-1]\n"; (my $s = $t) =~ s/w(\d+)/$1 * 2/ge; print md5_hex($s), "\n";
open my $f, ">", "lines" or die; print $f "$_\n" for reverse 1 .. 1000; close $f; open $f, "<", "lines"; my @l = sort { $a <=> $b } <$f>; print $l[0], $l[-1]; close $f;
my @kids; for my $i (1 .. 5) { my $p = fork // die; if (!$p) { exit $i } push @kids, $p } my $sum = 0; for (@kids) { waitpid $_, 0; $sum += $? >> 8 } print "kids $sum\n";
pipe my $r, my $w; if (!fork) { close $r; print $w "from child\n" x 3; exit } close $w; print while <$r>; wait;
open my $p, "-|", "seq", 3 or die; print "read $_" while <$p>; close $p; open $p, "|-", "sort -r" or die; print $p "$_\n" for 1 .. 3; close $p;
print `echo backtick`, system("false") >> 8, "\n"; $SIG{ALRM} = sub { die "alarm\n" }; eval { alarm 1; select undef, undef, undef, 5 }; print $@; alarm 0;
$SIG{USR1} = sub { print "usr1\n" }; kill USR1 => $$; my $srv = IO::Socket::UNIX->new(Local => "sock", Listen => 5) or die;
if (!fork) { my $c = IO::Socket::UNIX->new("sock") or die; print $c "hello\n"; print "answer ", scalar <$c>; exit } my $c = $srv->accept; my $q = <$c>; print $c uc $q; close $c; wait;
mkdir "d"; mkdir "d/$_" for 1 .. 3; open my $x, ">", "d/$_/f" for 1 .. 3; my $n = 0; find(sub { $n++ }, "d"); print "found $n\n"; my @st = stat "d"; print "mode ", sprintf("%o", $st[2]), "\n";
printf "%s %s\n", (stat "lines")[7], -d "d" ? "dir" : "no"; rename "lines", "moved" or die; print -e "moved" ? "moved\n" : "lost\n"; symlink "moved", "ln"; print readlink("ln"), "\n"; unlink "ln", "moved"; local $_ = sprintf "%.10f", atan2(1, 1) * 4; print "$_\n";
flock($f, 2) if open $f, ">", "lock"; print flock($f, 8) ? "locked\n" : "no\n"; my @sorted = sort map { $_ * 7919 % 10007 } 1 .. 20000; print md5_hex("@sorted"), "\n";
'
echo "status $?"
