/*
 * Where things lie: everything is found from the launcher's own place, build/auk.
 */
#ifndef AUK_PATHS_H
#define AUK_PATHS_H

/**
 * path_beside - a path in the launcher's own directory
 */
const char *path_beside(const char *name);

/**
 * path_state - a path in the directory for logs and remembered answers
 * That is the launcher's own where it can be written, else $XDG_CACHE_HOME/auk,
 * ~/.cache/auk or /tmp/auk-UID, which is made.
 */
const char *path_state(const char *name);

#endif
