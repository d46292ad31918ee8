/* What the files of sock/ share, families apart. */
#ifndef SOCK_INTERNAL_H
#define SOCK_INTERNAL_H

#include "sock/sock.h"

extern const struct file_ops socket_fops;

void scm_init(void);
void unix_init(void);

#endif
