/* What the three files of a Duplex share: readable.c and writable.c its sides, duplex.c the whole. */
#ifndef BINDING_CLASSES_HALVES_H
#define BINDING_CLASSES_HALVES_H

#include "binding/args.h"
#include "binding/duplex.h"

/* A chain of classes for one struct: emitter <- readable <- writable <- duplex. */
extern const lh2_class lh2_readable_class, lh2_writable_class;

/* The encoding named by the argument at `index`, or `otherwise` if it is nil. [-0, +0, v] */
lh2_encoding lh2_check_encoding(lua_State *L, int index, lh2_encoding otherwise);

/* Tells the class of a change of what is wanted. [-0, +0, e] */
void lh2_readable_update(lua_State *L, lh2_duplex *duplex);
/* "end" was due when everything had been delivered; looks whether it is now. [-0, +0, m] */
void lh2_readable_check_end(lua_State *L, lh2_duplex *duplex);
/* Hooks to the listeners of "data" and "readable". [-0, +0, m] */
void lh2_readable_open(lua_State *L);

/* finish() without arguments. [-0, +0, e] */
void lh2_writable_end(lua_State *L, lh2_duplex *duplex);
/* Fails the writes that wait and the callbacks of finish(). [-0, +0, m] */
void lh2_writable_fail(lua_State *L, lh2_duplex *duplex);

/* Destroys a duplex whose both sides are done, if it is so inclined: in a tick, or at once where this
 * is one and nothing is told before. [-0, +0, m] */
void lh2_duplex_check_done(lua_State *L, lh2_duplex *duplex, bool is_at_once);

#endif
