#include "binding/args.h"
#include "binding/duplex.h"

/* A pipe is a table that its listeners have as their upvalue: {source, destination, is_waiting}, and
 * each listener under the name of its event. The source keeps its pipes in a list. Both ends are used
 * by their public members alone, so that any object which has these can take part. */
enum { PIPE_SOURCE = 1, PIPE_DESTINATION, PIPE_IS_WAITING };

static const char pipes_key; /* of the source: the list of its pipes */

/* ----------------------------------------------------------------------------- public members */

/* Pushes method `name` of the object at `index` and the object; false and nothing if it has none.
 * [-0, +0|2, e] */
static bool push_method(lua_State *L, int index, const char *name) {
    index = lua_absindex(L, index);
    lua_getfield(L, index, name);
    if (lua_isnil(L, -1)) {
        lua_pop(L, 1);
        return false;
    }
    lua_pushvalue(L, index);
    return true;
}

/* Calls method `name`, if there is one, without arguments or results. [-0, +0, e] */
static void call_method(lua_State *L, int index, const char *name) {
    if (push_method(L, index, name))
        lua_call(L, 1, 0);
}

static bool is_true(lua_State *L, int index, const char *property) {
    lua_getfield(L, index, property);
    bool truth = lua_toboolean(L, -1);
    lua_pop(L, 1);
    return truth;
}

static void finish(lua_State *L, int index) {
    if (!push_method(L, index, "finish") && !push_method(L, index, "end"))
        return;
    lua_call(L, 1, 0);
}

/* --------------------------------------------------------------------------- pipes of a source */

/* Pushes the source's list of pipes; nil if it has had none. [-0, +1, m] */
static void push_pipes(lua_State *L, int source) {
    if (lua_istable(L, source))
        lua_rawgetp(L, source, &pipes_key);
    else
        lh2_get_private(L, source, &pipes_key);
}

/* Adds the pipe at index `pipe` to the source's. [-0, +0, m] */
static void add_pipe(lua_State *L, int source, int pipe) {
    push_pipes(L, source);
    if (lua_isnil(L, -1)) {
        lua_pop(L, 1);
        lua_newtable(L);
        lua_pushvalue(L, -1);
        if (lua_istable(L, source))
            lua_rawsetp(L, source, &pipes_key);
        else
            lh2_set_private(L, source, &pipes_key);
    }
    lua_pushvalue(L, pipe);
    lua_rawseti(L, -2, (int)lua_rawlen(L, -2) + 1);
    lua_pop(L, 1);
}

/* Takes the pipe at index `pipe` from the list on top; false if it is not there. [-0, +0, -] */
static bool erase_pipe(lua_State *L, int pipe) {
    int list = lua_gettop(L), count = (int)lua_rawlen(L, list);
    bool is_found = false;
    for (int i = 1; i <= count; i++) {
        lua_rawgeti(L, list, i);
        is_found |= lua_rawequal(L, -1, pipe);
        lua_pop(L, 1);
        if (is_found) {
            lua_rawgeti(L, list, i + 1);
            lua_rawseti(L, list, i);
        }
    }
    return is_found;
}

/* Whether a pipe in the list on top waits for its destination to drain. [-0, +0, -] */
static bool is_any_waiting(lua_State *L) {
    int list = lua_gettop(L);
    bool is_waiting = false;
    for (int i = 1; i <= (int)lua_rawlen(L, list); i++) {
        lua_rawgeti(L, list, i);
        lua_rawgeti(L, -1, PIPE_IS_WAITING);
        is_waiting |= lua_toboolean(L, -1);
        lua_pop(L, 2);
    }
    return is_waiting;
}

static void set_waiting(lua_State *L, int pipe, bool is_waiting) {
    lua_pushboolean(L, is_waiting);
    lua_rawseti(L, pipe, PIPE_IS_WAITING);
}

/* --------------------------------------------------------------------------------- listeners */

static void disconnect(lua_State *L, int pipe);

/* Pushes the pipe and its two ends: at `top + 1`, `+ 2` and `+ 3`. [-0, +3, -] */
static int push_pipe(lua_State *L) {
    int pipe = lua_gettop(L) + 1;
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_rawgeti(L, pipe, PIPE_SOURCE);
    lua_rawgeti(L, pipe, PIPE_DESTINATION);
    return pipe;
}

static int on_data(lua_State *L) {
    lua_settop(L, 1);
    int pipe = push_pipe(L);
    push_method(L, pipe + 2, "write");
    lua_pushvalue(L, 1);
    lua_call(L, 2, 1);
    if (lua_isboolean(L, -1) && !lua_toboolean(L, -1)) {
        set_waiting(L, pipe, true);
        call_method(L, pipe + 1, "pause");
    }
    return 0;
}

static int on_drain(lua_State *L) {
    int pipe = push_pipe(L);
    lua_rawgeti(L, pipe, PIPE_IS_WAITING);
    if (!lua_toboolean(L, -1))
        return 0;
    set_waiting(L, pipe, false);
    push_pipes(L, pipe + 1);
    if (lua_istable(L, -1) && !is_any_waiting(L))
        call_method(L, pipe + 1, "resume");
    return 0;
}

static int on_end(lua_State *L) {
    finish(L, push_pipe(L) + 2);
    return 0;
}

/* For the end of the source where the destination stays open, and for the destination's end. */
static int on_over(lua_State *L) {
    disconnect(L, push_pipe(L));
    return 0;
}

static int on_error(lua_State *L) {
    lua_settop(L, 1);
    int pipe = push_pipe(L), destination = pipe + 2;
    disconnect(L, pipe);
    if (!push_method(L, destination, "listenerCount"))
        return 0;
    lua_pushliteral(L, "error");
    lua_call(L, 2, 1);
    if (lua_tointeger(L, -1) == 0 && push_method(L, destination, "emit")) {
        lua_pushliteral(L, "error");
        lua_pushvalue(L, 1);
        lua_call(L, 3, 0);
    }
    return 0;
}

static const struct listener {
    int end;
    const char *event;
    const char *method;
    lua_CFunction function;
} listeners[] = {{PIPE_SOURCE, "end", "on", on_end},
                 {PIPE_SOURCE, "data", "on", on_data},
                 {PIPE_DESTINATION, "drain", "on", on_drain},
                 {PIPE_DESTINATION, "error", "prependListener", on_error},
                 {PIPE_DESTINATION, "close", "on", on_over},
                 {PIPE_DESTINATION, "finish", "on", on_over}};

#define LISTENER_COUNT (sizeof listeners / sizeof *listeners)

/* Adds (or removes) one listener of the pipe: what an end has no method for it does without. */
static void call_listener_method(lua_State *L, int pipe, const struct listener *listener,
                                 const char *method, const char *otherwise) {
    lua_rawgeti(L, pipe, listener->end);
    if (push_method(L, -1, method) || push_method(L, -1, otherwise)) {
        lua_pushstring(L, listener->event);
        lua_getfield(L, pipe, listener->event);
        lua_call(L, 3, 0);
    }
    lua_pop(L, 1);
}

static void connect_listener(lua_State *L, int pipe, const struct listener *listener, bool ends) {
    bool is_kept_open = listener->function == on_end && !ends;
    lua_pushvalue(L, pipe);
    lua_pushcclosure(L, is_kept_open ? on_over : listener->function, 1);
    lua_setfield(L, pipe, listener->event);
    call_listener_method(L, pipe, listener, listener->method, "on");
}

/* Tells the destination: emit("pipe" or "unpipe", source). [-0, +0, e] */
static void announce(lua_State *L, int pipe, const char *event) {
    lua_rawgeti(L, pipe, PIPE_DESTINATION);
    if (push_method(L, -1, "emit")) {
        lua_pushstring(L, event);
        lua_rawgeti(L, pipe, PIPE_SOURCE);
        lua_call(L, 3, 0);
    }
    lua_pop(L, 1);
}

/* Ends the pipe at index `pipe`; the source pauses after its last one. [-0, +0, e] */
static void disconnect(lua_State *L, int pipe) {
    int top = lua_gettop(L);
    lua_rawgeti(L, pipe, PIPE_SOURCE);
    push_pipes(L, top + 1);
    if (lua_istable(L, -1) && erase_pipe(L, pipe)) {
        for (size_t i = 0; i < LISTENER_COUNT; i++)
            call_listener_method(L, pipe, &listeners[i], "removeListener", "off");
        if (lua_rawlen(L, top + 2) == 0)
            call_method(L, top + 1, "pause");
        else if (!is_any_waiting(L))
            call_method(L, top + 1, "resume");
        announce(L, pipe, "unpipe");
    }
    lua_settop(L, top);
}

/* ----------------------------------------------------------------------------------- methods */

static void check_source(lua_State *L) {
    if (!lua_istable(L, 1) && !lh2_test(L, 1, &lh2_emitter_class))
        lh2_raise_type(L, "source", "a readable stream", 1);
}

static bool has_fields(lua_State *L, int index) {
    return lua_istable(L, index) || lua_isuserdata(L, index);
}

/* Whether the destination is to be ended with the source: options {finish = false}, or Node's name. */
static bool ends_destination(lua_State *L, int options) {
    return lh2_opt_boolean(L, options, "end", true) && lh2_opt_boolean(L, options, "finish", true);
}

int lh2_pipe(lua_State *L) {
    check_source(L);
    lua_settop(L, 3);
    if (!has_fields(L, 2) || !push_method(L, 2, "write"))
        return lh2_raise_type(L, "destination", "a writable stream", 2);
    lh2_check_options(L, 3, "options");
    bool ends = ends_destination(L, 3);
    lua_settop(L, 3);
    lua_createtable(L, 3, LISTENER_COUNT);
    lua_pushvalue(L, 1);
    lua_rawseti(L, 4, PIPE_SOURCE);
    lua_pushvalue(L, 2);
    lua_rawseti(L, 4, PIPE_DESTINATION);
    bool must_wait = is_true(L, 2, "writableNeedDrain");
    set_waiting(L, 4, must_wait);
    add_pipe(L, 1, 4);
    for (size_t i = 0; i < LISTENER_COUNT; i++)
        connect_listener(L, 4, &listeners[i], ends);
    announce(L, 4, "pipe");
    if (is_true(L, 1, "readableEnded") && ends)
        finish(L, 2);
    else
        call_method(L, 1, must_wait ? "pause" : "resume");
    lua_settop(L, 2);
    return 1;
}

int lh2_unpipe(lua_State *L) {
    check_source(L);
    lua_settop(L, 2);
    push_pipes(L, 1);
    for (int i = lua_istable(L, 3) ? (int)lua_rawlen(L, 3) : 0; i > 0; i--) {
        lua_rawgeti(L, 3, i);
        lua_rawgeti(L, 4, PIPE_DESTINATION);
        if (lua_isnil(L, 2) || lua_rawequal(L, 2, 5)) {
            lua_settop(L, 4);
            disconnect(L, 4);
        }
        lua_settop(L, 3);
    }
    lua_settop(L, 1);
    return 1;
}
