#include "binding/classes/halves.h"
#include "binding/open.h"

/* Private field: the error the duplex was destroyed with. */
static const char error_key;

void lh2_duplex_init(lh2_duplex *duplex, const lh2_duplex_ops *ops, bool is_readable,
                     bool is_writable) {
    duplex->ops = ops;
    duplex->is_readable = is_readable;
    duplex->is_writable = is_writable;
    duplex->flowing = -1;
    duplex->default_encoding = LH2_UTF8;
    duplex->high_water_mark = LH2_HIGH_WATER_MARK;
    duplex->allows_half_open = true;
}

void lh2_duplex_dispose(lua_State *L, lh2_duplex *duplex) {
    (void)L;
    bytes_buffer_dispose(&duplex->pending);
    while (duplex->waiting) { /* at lua_close only: a write keeps its duplex alive */
        lh2_write *write = duplex->waiting;
        duplex->waiting = write->next;
        lh2_write_drop(duplex->object.runtime, write);
    }
}

void lh2_duplex_push_error(lua_State *L, lh2_duplex *duplex) {
    lh2_push(L, &duplex->object);
    lh2_get_private(L, -1, &error_key);
    lua_replace(L, -2);
}

/* -------------------------------------------------------------------------------- the end */

static void emit_error(lua_State *L, lh2_object *object, intptr_t unused) {
    (void)unused;
    lh2_duplex_push_error(L, (lh2_duplex *)object);
    lh2_emit_error(L, object);
}

static void emit_close(lua_State *L, lh2_object *object, intptr_t unused) {
    (void)unused;
    lh2_duplex *duplex = (lh2_duplex *)object;
    duplex->is_close_emitted = true;
    bytes_buffer_dispose(&duplex->pending);
    duplex->taken = 0;
    lh2_emit(L, object, LH2_EVENT_CLOSE, 0);
}

/* Two ticks, so that "close" comes though a listener of "error" fails. */
void lh2_duplex_closed(lua_State *L, lh2_duplex *duplex) {
    if (duplex->is_closed)
        return;
    duplex->is_closed = true;
    if (duplex->is_errored)
        lh2_tick_push(L, &duplex->object, emit_error, 0);
    lh2_tick_push(L, &duplex->object, emit_close, 0);
}

void lh2_duplex_destroy(lua_State *L, lh2_duplex *duplex) {
    if (!duplex->is_destroyed)
        lh2_to_error(L); /* may call a __tostring of the program's: before anything is done */
    if (duplex->is_destroyed) {
        lua_pop(L, 1);
        return;
    }
    int error = lua_gettop(L);
    lh2_push(L, &duplex->object);
    lh2_visit(L, -1);
    lua_pop(L, 1);
    duplex->is_destroyed = true;
    duplex->is_reading = false;
    if (!lua_isnil(L, error)) {
        duplex->is_errored = true;
        lh2_push(L, &duplex->object);
        lua_pushvalue(L, error);
        lh2_set_private(L, error + 1, &error_key);
        lua_settop(L, error);
    }
    lh2_writable_fail(L, duplex);
    duplex->ops->destroy(L, duplex);
    lh2_depart(L, &duplex->object);
    lua_settop(L, error - 1);
}

/* What is cut short will not finish. */
static bool is_done(const lh2_duplex *duplex) {
    return duplex->auto_destroy && !duplex->is_destroyed &&
           (!duplex->is_readable || duplex->is_end_emitted) &&
           (!duplex->is_writable || duplex->is_finished ||
            (duplex->is_cut && duplex->is_finish_called));
}

static void destroy_done(lua_State *L, lh2_object *object, intptr_t unused) {
    (void)unused;
    lh2_duplex *duplex = (lh2_duplex *)object;
    if (!is_done(duplex))
        return;
    lua_pushnil(L);
    lh2_duplex_destroy(L, duplex);
}

void lh2_duplex_check_done(lua_State *L, lh2_duplex *duplex, bool is_at_once) {
    if (is_at_once)
        destroy_done(L, &duplex->object, 0);
    else if (is_done(duplex))
        lh2_tick_push(L, &duplex->object, destroy_done, 0);
}

/* -------------------------------------------------------------------------------- members */

/* duplex:destroy([error]) */
static int destroy_method(lua_State *L) {
    lh2_duplex *duplex = lh2_check(L, 1, &lh2_duplex_class);
    lua_settop(L, 2);
    if (!duplex->is_destroyed)
        lh2_to_error(L); /* may raise: before there is an anchor */
    lh2_visit(L, 1);
    lh2_duplex_destroy(L, duplex);
    lh2_depart(L, &duplex->object);
    return 1;
}

/* `local duplex <close>`: Lua gives an error as the second argument, which is not the duplex's. */
static int close_variable(lua_State *L) {
    lua_settop(L, 1);
    return destroy_method(L);
}

static int get_destroyed(lua_State *L) {
    const lh2_duplex *duplex = lh2_check(L, 1, &lh2_duplex_class);
    lua_pushboolean(L, duplex->is_destroyed);
    return 1;
}

static int get_closed(lua_State *L) {
    const lh2_duplex *duplex = lh2_check(L, 1, &lh2_duplex_class);
    lua_pushboolean(L, duplex->is_closed);
    return 1;
}

static int get_errored(lua_State *L) {
    lh2_check(L, 1, &lh2_duplex_class);
    lh2_get_private(L, 1, &error_key);
    return 1;
}

static int gc(lua_State *L) {
    lh2_duplex *duplex = lua_touserdata(L, 1);
    lh2_finalize(&duplex->object);
    lh2_duplex_dispose(L, duplex);
    return 0;
}

static const luaL_Reg methods[] = {
    {"destroy", destroy_method}, {"pipe", lh2_pipe}, {"unpipe", lh2_unpipe}, {NULL, NULL}};
static const luaL_Reg getters[] = {
    {"destroyed", get_destroyed}, {"closed", get_closed}, {"errored", get_errored}, {NULL, NULL}};
static const luaL_Reg metamethods[] = {{"__gc", gc}, {"__close", close_variable}, {NULL, NULL}};

const lh2_class lh2_duplex_class = {"Duplex", &lh2_writable_class, methods, getters,
                                    NULL,     metamethods};

void lh2_duplex_open(lua_State *L) {
    lh2_class_register(L, &lh2_readable_class);
    lh2_class_register(L, &lh2_writable_class);
    lh2_class_register(L, &lh2_duplex_class);
    lh2_readable_open(L);
}
