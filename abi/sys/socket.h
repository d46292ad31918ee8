/* What <linux/if.h> and its kin take from the C library's <sys/socket.h>: struct sockaddr. Source: socket(7). */
#ifndef ABI_SYS_SOCKET_H
#define ABI_SYS_SOCKET_H

typedef unsigned short sa_family_t;

struct sockaddr {
	sa_family_t sa_family;
	char sa_data[14];
};

#endif
