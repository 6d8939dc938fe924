/* Where C enters Lua: the only protected call, and the way of an error that nobody caught. */
#ifndef BINDING_CALL_H
#define BINDING_CALL_H

#include "binding/class.h"

/* Calls `body(L, data)` under the one lua_pcall, on the state that runs the loop, from a C callback.
 * An error raised in it is routed by runtime->blame as it is at that moment (`blame` to begin with; see
 * lh2_blame): an object whose class says so (a server's stream) is
 * ended alone; else the error becomes uncaught. The blame of before is put back on the way out.
 * Returns whether `body` came to its end.
 * Does nothing while lua_close is under way. */
bool lh2_enter(lh2_runtime *runtime, void (*body)(lua_State *L, void *data), void *data,
               lh2_object *blame);

/* In a body that was entered with nobody to blame: the (anchored) object it has made takes the blame
 * from here on. */
void lh2_blame(lh2_object *object);

/* As lh2_enter from within Lua's own call chain, for callbacks whose errors must not reach the
 * caller: calls the function below its `nargs` arguments on the stack, no results. [-(nargs+1), +0, -] */
bool lh2_call_blaming(lua_State *L, int nargs, lh2_object *blame);

/* The same in a tick: calls the function at index `callback` with the value on top, blaming the object
 * (tick.c). [-1, +0, m] */
void lh2_call_later(lua_State *L, lh2_object *object, int callback);

/* Hands the error on top, with traceback text already in it, to http2.run's caller or to
 * onUncaught's function. [-1, +0, -] */
void lh2_uncaught(lua_State *L);
/* Prints the error on top, with its traceback, to standard error. [-1, +0, -] */
void lh2_print_error(lua_State *L);
/* Raises the error that lh2_uncaught has kept for run. [-0, +0, v] */
int lh2_raise_uncaught(lua_State *L);
/* http2.onUncaught([fn]) */
int lh2_on_uncaught(lua_State *L);
/* Adds blamed() and fail(error[, object]), for Lua files that run functions of the program later than
 * they were called, to the table on top. [-0, +0, m] */
void lh2_call_functions(lua_State *L);
/* Puts the traceback of `of` to the error on top, as all that is caught has it. [-1, +1, m] */
void lh2_add_traceback(lua_State *L, lua_State *of);
/* Prepares the protected call; before anything else of this header. [-0, +0, m] */
void lh2_call_open(lua_State *L);

/* How a class of objects takes the blame: set once by the server's streams. The function gets the
 * error on top of the stack and pops it; it returns false if the object cannot take it. */
typedef bool (*lh2_blame_handler)(lua_State *L, lh2_object *object);
void lh2_set_blame_handler(lua_State *L, const lh2_class *class, lh2_blame_handler handler);

#endif
