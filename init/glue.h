/* Where layers that do not know each other meet: registrations, in order. */
#ifndef INIT_GLUE_H
#define INIT_GLUE_H

#include "plat/plat.h"

void glue_tasks(void);		/* task/ and what it tells the layers below. Context: boot */
void glue_file_systems(void);	/* types, and what shows itself in /proc. Context: thread */
void glue_drivers(void);	/* devices. Context: thread */
/** glue_console_wait - until the console that was asked for is there, a moment at most. */
void glue_console_wait(void);
/** glue_enter_root - make a mounted directory the root of everything. */
void glue_enter_root(const char *dir);

#endif
