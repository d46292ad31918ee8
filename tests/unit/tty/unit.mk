UNIT_SRC_tty/test_ldisc := drivers/tty/ldisc.c drivers/tty/output.c
