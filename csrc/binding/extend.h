/* Classes as values of the program: http2.Http2ServerRequest:extend{...} gives one that a server can
 * be told to make its objects of. */
#ifndef BINDING_EXTEND_H
#define BINDING_EXTEND_H

#include "binding/args.h"
#include "binding/class.h"

/* Sets field `name` of the table on top to the value that stands for the (registered) class.
 * [-0, +0, m] */
void lh2_export_class(lua_State *L, const char *name, const lh2_class *class);
/* Pushes the metatable of the class that option `name` gives, or nil where it is absent; raises for
 * what is no `class` or heir of it. [-0, +1, v] */
void lh2_opt_class(lua_State *L, int options, const char *name, const lh2_class *class);

/* Prepares the classes' own class; before the first export. [-0, +0, m] */
void lh2_extend_open(lua_State *L);

#endif
