/* Events of devices, told to udev through netlink. */
#ifndef NET_UEVENT_H
#define NET_UEVENT_H

/** uevent_init - once netlink sockets can be made. Context: boot */
void uevent_init(void);

#endif
