/* Arguments and option tables: checked as Node checks them, raising its codes at the caller. */
#ifndef BINDING_ARGS_H
#define BINDING_ARGS_H

#include "binding/error.h"

/* ERR_INVALID_ARG_TYPE: `name` is 'size' or 'options.size', `expected` "of type number" or "an
 * instance of Http2Stream". [-0, +0, v] */
int lh2_raise_type(lua_State *L, const char *name, const char *expected, int index);
/* ERR_OUT_OF_RANGE: `range` ">= 0 && <= 255". [-0, +0, v] */
int lh2_raise_range(lua_State *L, const char *name, const char *range, int index);
/* ERR_INVALID_ARG_VALUE. [-0, +0, v] */
int lh2_raise_value(lua_State *L, const char *name, const char *reason, int index);

/* An integer in the range (a float with an integer value counts), else a raise; in both Luas.
 * [-0, +0, v] */
int64_t lh2_check_integer(lua_State *L, int index, const char *name, int64_t min, int64_t max);
const char *lh2_check_string(lua_State *L, int index, const char *name, size_t *size);
void lh2_check_function(lua_State *L, int index, const char *name);
/* A table that is no sequence, or nil/none (then false). [-0, +0, v] */
bool lh2_check_options(lua_State *L, int index, const char *name);

/* Fields of the option table at `index` (which may be nil): the default where absent. `name` is the
 * bare key; errors speak of 'options.<name>'. Strings are valid as long as the table. [-0, +0, e] */
int64_t lh2_opt_integer(lua_State *L, int index, const char *name, int64_t min, int64_t max,
                        int64_t otherwise);
bool lh2_opt_boolean(lua_State *L, int index, const char *name, bool otherwise);
/* By truth alone, of any type: as Node treats flags of respond(). */
static inline bool lh2_opt_truth(lua_State *L, int index, const char *name, bool otherwise) {
    lua_getfield(L, index, name);
    bool truth = lua_isnil(L, -1) ? otherwise : lua_toboolean(L, -1);
    lua_pop(L, 1);
    return truth;
}
const char *lh2_opt_string(lua_State *L, int index, const char *name, size_t *size,
                           const char *otherwise);
/* Pushes the field; returns its type, having raised if it is neither `type` nor absent.
 * [-0, +1, e] */
int lh2_opt_field(lua_State *L, int index, const char *name, int type);
/* A port, as a number or (as Node takes it) in digits: ERR_SOCKET_BAD_PORT. [-0, +0, v] */
int lh2_check_port(lua_State *L, int index, const char *name);
/* The options keepAlive and keepAliveInitialDelay of connections: in seconds; 0: off. [-0, +0, e] */
uint32_t lh2_opt_keep_alive(lua_State *L, int index);
/* Timer durations: a non-negative finite number, clamped to 2^31-1. [-0, +0, v] */
int64_t lh2_check_duration(lua_State *L, int index, const char *name);

#endif
