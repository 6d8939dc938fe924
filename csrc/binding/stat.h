/* What a program learns of a file: Node's fs.Stats as a table. */
#ifndef BINDING_STAT_H
#define BINDING_STAT_H

#include <sys/stat.h>

#include "binding/lua_compat.h"

/* Pushes {size, mode, mtime, mtimeMs, ino, ...} with isFile(), isDirectory() and their kin. Times are
 * whole seconds, as os.date takes them, and milliseconds in the members that end in Ms. [-0, +1, m] */
void lh2_push_stat(lua_State *L, const struct stat *stat);

/* The descriptor of the argument at `index`, an integer or a file of Lua's io library. Raises for
 * anything else, and for a file that is closed. [-0, +0, v] */
int lh2_check_descriptor(lua_State *L, int index, const char *name);

#endif
