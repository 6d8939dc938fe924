#include "base/mem.h"
#include "binding/classes/halves.h"

/* Strings up to this size are copied behind their write; larger ones are held by reference. */
#define MAX_COPIED 1024

/* Private field: a sequence of the callbacks of finish(). */
static const char finish_key;

lh2_encoding lh2_check_encoding(lua_State *L, int index, lh2_encoding otherwise) {
    if (lua_isnoneornil(L, index))
        return otherwise;
    const char *name = lh2_check_string(L, index, "encoding", NULL);
    int encoding = lh2_encoding_of(name);
    if (encoding < 0)
        lh2_raise(L, "ERR_UNKNOWN_ENCODING", name);
    return (lh2_encoding)encoding;
}

/* -------------------------------------------------------------------------- a write's life */

/* A write of the duplex at `index`, of a struct of `size` octets; its release is sure to have its tick.
 * [-0, +0, m] */
static lh2_write *allocate_write(lua_State *L, int index, size_t size) {
    lh2_duplex *duplex = lua_touserdata(L, index);
    lh2_runtime *runtime = duplex->object.runtime;
    lh2_tick_reserve(L, runtime);
    lh2_write *write = lh2_spare_take(runtime, size);
    if (!write) {
        lh2_tick_unreserve(runtime);
        lh2_raise_memory(L);
    }
    *write = (lh2_write){
        .duplex = duplex,
        .string = LUA_NOREF,
        .callback = LUA_NOREF,
    };
    write->chunk.release = lh2_write_release;
    list_append(&runtime->writes, &write->all);
    return write;
}

/* A write of the string at index 2, with the function at `callback` (0: none) to be called when it is
 * done; everything that can fail does so here. [-0, +0, m] */
static lh2_write *new_write(lua_State *L, lh2_encoding encoding, int callback) {
    size_t size, space = 0;
    const char *text = lua_tolstring(L, 2, &size);
    bool is_identity = lh2_is_identity(encoding), is_held = is_identity && size > MAX_COPIED;
    if (!is_held)
        space = lh2_octets_bound(encoding, size);
    lh2_write *write = allocate_write(L, 1, sizeof *write + space);
    write->chunk.data = is_held ? (const uint8_t *)text : (const uint8_t *)(write + 1);
    write->size =
        is_held ? size
                : lh2_octets_of(encoding, (const uint8_t *)text, size, (uint8_t *)(write + 1));
    write->chunk.size = write->size;
    if (is_held) {
        lua_pushvalue(L, 2);
        write->string = lh2_hold(L);
    }
    if (callback) {
        lua_pushvalue(L, callback);
        write->callback = lh2_hold(L);
    }
    lh2_anchor(L, 1);
    return write;
}

lh2_write *lh2_write_begin(lua_State *L, int index, size_t size) {
    lh2_write *write = allocate_write(L, index, size);
    memset(write + 1, 0, size - sizeof *write);
    lh2_anchor(L, index);
    write->duplex->write_count++;
    return write;
}

void lh2_write_drop(lh2_runtime *runtime, lh2_write *write) {
    list_remove(&write->all);
    lh2_spare_give(runtime, write);
}

static bool is_drained(const lh2_duplex *duplex) {
    return duplex->needs_drain && duplex->write_length == 0 && !duplex->is_ending &&
           !duplex->is_destroyed;
}

/* Whether the class is to be asked now if finish() is through. */
static bool is_flush_due(const lh2_duplex *duplex) {
    return duplex->is_finish_called && !duplex->is_flushed && duplex->write_count == 0 &&
           !duplex->is_destroyed;
}

static void emit_finish(lua_State *L, lh2_object *object, intptr_t unused);

static bool is_finish_heard(const lh2_duplex *duplex) {
    return duplex->is_finish_awaited || lh2_has_listener(&duplex->object, LH2_EVENT_FINISH);
}

/* "finish" comes in a tick of its own, unless this is one and nobody is told of it. [-0, +0, m] */
static void check_flushed(lua_State *L, lh2_duplex *duplex, bool is_in_tick) {
    if (!is_flush_due(duplex))
        return;
    duplex->is_flushed = true;
    if (duplex->ops->flushed && !duplex->ops->flushed(L, duplex))
        return;
    if (is_in_tick && !is_finish_heard(duplex))
        emit_finish(L, &duplex->object, 0);
    else
        lh2_duplex_finished(L, duplex);
}

/* Pushes the error for what the end of the duplex has cut short: its own, or that it is destroyed. */
static void push_cut_short(lua_State *L, lh2_duplex *duplex, const char *method) {
    lh2_duplex_push_error(L, duplex);
    if (!lua_isnil(L, -1))
        return;
    lua_pop(L, 1);
    lh2_push_error(L, "ERR_STREAM_DESTROYED", method);
}

static void emit_drain(lua_State *L, void *object) {
    lh2_emit(L, object, LH2_EVENT_DRAIN, 0);
}

static void complete_write(lua_State *L, lh2_object *object, intptr_t data) {
    lh2_duplex *duplex = (lh2_duplex *)object;
    lh2_write *write = (lh2_write *)data;
    bool was_sent = write->was_sent;
    int callback = write->callback;
    lh2_drop(L, write->string);
    lh2_write_drop(object->runtime, write);
    if (is_drained(duplex)) { /* protected: the callback's turn comes though a listener fail */
        duplex->needs_drain = false;
        lh2_enter(object->runtime, emit_drain, object, object);
    }
    if (callback != LUA_NOREF) {
        lh2_push_held(L, callback);
        lh2_drop(L, callback);
        if (was_sent)
            lua_pushnil(L);
        else
            push_cut_short(L, duplex, "write");
        lh2_call_blaming(L, 1, object);
    }
    check_flushed(L, duplex, true);
}

/* May come at any time, without a Lua state: what needs one waits for a tick. */
void lh2_write_release(h2_chunk *chunk, bool was_sent) {
    lh2_write *write = (lh2_write *)(void *)chunk;
    lh2_duplex *duplex = write->duplex;
    lh2_runtime *runtime = duplex->object.runtime;
    if (runtime->is_closing) {
        lh2_write_drop(runtime, write);
        return;
    }
    duplex->write_length -= write->size;
    duplex->write_count--;
    duplex->is_cut = duplex->is_cut || !was_sent;
    write->was_sent = was_sent;
    bool needs_lua = write->string != LUA_NOREF || write->callback != LUA_NOREF ||
                     is_drained(duplex) || is_flush_due(duplex) || duplex->object.anchors == 1;
    if (needs_lua) {
        lh2_tick_push_reserved(&duplex->object, complete_write, (intptr_t)write);
        return;
    }
    lh2_tick_unreserve(runtime);
    duplex->object.anchors--;
    lh2_write_drop(runtime, write);
}

/* ----------------------------------------------------------------------------------- sending */

/* Gives the class what waits, and the end if that is due. [-0, +0, e] */
static void send_waiting(lua_State *L, lh2_duplex *duplex) {
    while (duplex->waiting && duplex->corked == 0 && !duplex->is_held && !duplex->is_destroyed) {
        lh2_write *write = duplex->waiting;
        duplex->waiting = write->next;
        write->next = NULL;
        duplex->ops->write(L, duplex, write);
    }
    if (!duplex->is_ending || duplex->is_finish_called || duplex->waiting || duplex->is_held ||
        duplex->corked > 0 || duplex->is_destroyed)
        return;
    duplex->is_finish_called = true;
    duplex->ops->finish(L, duplex);
    check_flushed(L, duplex, false);
}

/* Sends a write, or has it wait. Returns whether there is room for more. [-0, +0, e] */
static bool send_write(lua_State *L, lh2_duplex *duplex, lh2_write *write) {
    duplex->write_length += write->size;
    duplex->write_count++;
    bool has_room = duplex->write_length < duplex->high_water_mark;
    if (!has_room)
        duplex->needs_drain = true;
    if (duplex->corked == 0 && !duplex->is_held && !duplex->waiting) {
        duplex->ops->write(L, duplex, write);
        return has_room;
    }
    if (duplex->waiting)
        duplex->waiting_last->next = write;
    else
        duplex->waiting = write;
    duplex->waiting_last = write;
    return has_room;
}

void lh2_duplex_release_held(lua_State *L, lh2_duplex *duplex) {
    duplex->is_held = false;
    send_waiting(L, duplex);
}

void lh2_writable_end(lua_State *L, lh2_duplex *duplex) {
    if (duplex->is_finish_called || duplex->is_errored)
        return;
    duplex->is_ending = true;
    send_waiting(L, duplex);
}

/* ---------------------------------------------------------------------------------- finishing */

/* Calls the callbacks of finish(), with an error if it came to nothing. [-0, +0, e] */
static void call_finish_callbacks(lua_State *L, lh2_duplex *duplex, bool is_finished) {
    lh2_object *object = &duplex->object;
    int top = lua_gettop(L);
    if (!duplex->is_finish_awaited)
        return;
    duplex->is_finish_awaited = false;
    lh2_push(L, object);
    lh2_get_private(L, top + 1, &finish_key);
    lua_pushnil(L);
    lh2_set_private(L, top + 1, &finish_key);
    int count = (int)lua_rawlen(L, top + 2);
    for (int i = 1; i <= count; i++) {
        lua_rawgeti(L, top + 2, i);
        if (is_finished)
            lua_pushnil(L);
        else
            push_cut_short(L, duplex, "end");
        lh2_call_blaming(L, 1, object);
    }
    lua_settop(L, top);
}

static void emit_finish(lua_State *L, lh2_object *object, intptr_t unused) {
    (void)unused;
    lh2_duplex *duplex = (lh2_duplex *)object;
    duplex->is_finish_due = false;
    if (duplex->is_finished || (duplex->is_destroyed && !duplex->is_finish_forced))
        return;
    duplex->is_finished = true;
    bool is_heard = is_finish_heard(duplex);
    call_finish_callbacks(L, duplex, true);
    lh2_duplex_check_done(L, duplex, !is_heard);
    lh2_emit(L, object, LH2_EVENT_FINISH, 0);
}

void lh2_duplex_finished(lua_State *L, lh2_duplex *duplex) {
    if (duplex->is_finished || duplex->is_finish_due)
        return;
    duplex->is_finish_due = true;
    lh2_tick_push(L, &duplex->object, emit_finish, 0);
}

static void fail_finish(lua_State *L, lh2_object *object, intptr_t unused) {
    (void)unused;
    lh2_duplex *duplex = (lh2_duplex *)object;
    if (!duplex->is_finish_due)
        call_finish_callbacks(L, duplex, false);
}

static void drop_waiting(lh2_duplex *duplex) {
    while (duplex->waiting) {
        lh2_write *write = duplex->waiting;
        duplex->waiting = write->next;
        lh2_write_release(&write->chunk, false);
    }
}

void lh2_writable_fail(lua_State *L, lh2_duplex *duplex) {
    drop_waiting(duplex);
    if (duplex->is_ending && !duplex->is_finished)
        lh2_tick_push(L, &duplex->object, fail_finish, 0);
}

void lh2_duplex_abort_writing(lua_State *L, lh2_duplex *duplex, bool with_finish) {
    if (!duplex->is_writable)
        return;
    duplex->is_ending = true;
    duplex->is_finish_called = duplex->is_flushed = true;
    drop_waiting(duplex);
    if (with_finish && !duplex->is_finished && !duplex->is_cut) {
        duplex->is_finish_forced = true;
        lh2_duplex_finished(L, duplex);
    }
}

void lh2_duplex_take_writing(lh2_duplex *duplex) {
    drop_waiting(duplex);
    duplex->is_ending = duplex->is_finish_called = true;
}

/* ----------------------------------------------------------------------------------- methods */

int lh2_write_arguments(lua_State *L) {
    int given = lua_gettop(L);
    lua_settop(L, 4);
    if (given <= 2 && !lua_isfunction(L, 2))
        return 0;
    for (int index = 2; index < 4; index++) {
        if (!lua_isfunction(L, index))
            continue;
        lua_pushvalue(L, index);
        lua_replace(L, 4);
        lua_pushnil(L);
        lua_replace(L, index);
    }
    if (lua_isnil(L, 4))
        return 0;
    lh2_check_function(L, 4, "callback");
    return 4;
}

/* Fails a write: the callback hears of the error on top, and the duplex ends with it. [-1, +0, e] */
static void refuse_write(lua_State *L, lh2_duplex *duplex, int callback) {
    if (callback) {
        lua_pushvalue(L, -1);
        lh2_call_later(L, &duplex->object, callback);
    }
    lh2_duplex_destroy(L, duplex);
}

typedef enum write_result { WRITE_REFUSED, WRITE_FULL, WRITE_HAS_ROOM } write_result;

lh2_encoding lh2_write_encoding(lua_State *L, const lh2_duplex *duplex) {
    lh2_encoding encoding = lh2_check_encoding(L, 3, (lh2_encoding)duplex->default_encoding);
    int type = lua_type(L, 2);
    if (type == LUA_TNIL)
        lh2_raise(L, "ERR_STREAM_NULL_VALUES", NULL);
    if (type != LUA_TSTRING)
        lh2_raise_type(L, "chunk", "of type string", 2);
    return encoding;
}

/* Writes the chunk at index 2; `callback` is called when it is done, `on_refusal` if it cannot be.
 * [-0, +0, m] */
static write_result write_chunk(lua_State *L, lh2_duplex *duplex, lh2_encoding encoding,
                                int callback, int on_refusal) {
    if (duplex->is_ending || !duplex->is_writable)
        lh2_push_error(L, "ERR_STREAM_WRITE_AFTER_END", NULL);
    else if (duplex->is_destroyed)
        lh2_push_error(L, "ERR_STREAM_DESTROYED", "write");
    else
        return send_write(L, duplex, new_write(L, encoding, callback)) ? WRITE_HAS_ROOM
                                                                       : WRITE_FULL;
    refuse_write(L, duplex, on_refusal);
    return WRITE_REFUSED;
}

bool lh2_duplex_write(lua_State *L, lh2_encoding encoding, int callback) {
    lh2_duplex *duplex = lua_touserdata(L, 1);
    lh2_visit(L, 1);
    write_result result = write_chunk(L, duplex, encoding, callback, callback);
    bool has_room = result == WRITE_HAS_ROOM && !duplex->is_destroyed;
    lh2_depart(L, &duplex->object);
    return has_room;
}

/* writable:write(chunk[, encoding][, callback]): false once "drain" should be waited for. */
static int write(lua_State *L) {
    const lh2_duplex *duplex = lh2_check(L, 1, &lh2_writable_class);
    if (lua_isfunction(L, 2))
        return lh2_raise_type(L, "chunk", "of type string", 2);
    int callback = lh2_write_arguments(L);
    lua_pushboolean(L, lh2_duplex_write(L, lh2_write_encoding(L, duplex), callback));
    return 1;
}

/* Adds the function at `callback` to those that wait for "finish". [-0, +0, m] */
static void await_finish(lua_State *L, lh2_duplex *duplex, int callback) {
    lh2_get_private(L, 1, &finish_key);
    if (lua_isnil(L, -1)) {
        lua_pop(L, 1);
        lua_createtable(L, 1, 0);
        lua_pushvalue(L, -1);
        lh2_set_private(L, 1, &finish_key);
    }
    lua_pushvalue(L, callback);
    lua_rawseti(L, -2, (int)lua_rawlen(L, -2) + 1);
    lua_pop(L, 1);
    duplex->is_finish_awaited = true;
}

/* What becomes of finish()'s callback: called soon, with an error or without, or when it is time. */
static void settle_callback(lua_State *L, lh2_duplex *duplex, int callback, bool is_first) {
    if (is_first && !duplex->is_destroyed) {
        await_finish(L, duplex, callback);
        return;
    }
    if (duplex->is_finished && !is_first)
        lh2_push_error(L, "ERR_STREAM_ALREADY_FINISHED", "end");
    else if (duplex->is_destroyed)
        push_cut_short(L, duplex, "end");
    else {
        await_finish(L, duplex, callback);
        return;
    }
    lh2_call_later(L, &duplex->object, callback);
}

void lh2_duplex_finish(lua_State *L, lh2_encoding encoding, int callback) {
    lh2_duplex *duplex = lua_touserdata(L, 1);
    bool is_first = !duplex->is_ending, has_chunk = !lua_isnil(L, 2);
    lh2_visit(L, 1);
    if (!has_chunk || write_chunk(L, duplex, encoding, 0, callback) != WRITE_REFUSED) {
        duplex->corked = 0;
        if (callback)
            settle_callback(L, duplex, callback, is_first);
        lh2_writable_end(L, duplex);
    }
    lh2_depart(L, &duplex->object);
}

/* writable:finish([chunk][, encoding][, callback]), and under the name `end` too. */
static int finish(lua_State *L) {
    const lh2_duplex *duplex = lh2_check(L, 1, &lh2_writable_class);
    int callback = lh2_write_arguments(L);
    lh2_duplex_finish(L, lua_isnil(L, 2) ? LH2_OCTETS : lh2_write_encoding(L, duplex), callback);
    lua_settop(L, 1);
    return 1;
}

/* writable:cork() */
static int cork(lua_State *L) {
    lh2_duplex *duplex = lh2_check(L, 1, &lh2_writable_class);
    if (duplex->corked < UINT16_MAX)
        duplex->corked++;
    return 0;
}

/* writable:uncork() */
static int uncork(lua_State *L) {
    lh2_duplex *duplex = lh2_check(L, 1, &lh2_writable_class);
    if (duplex->corked == 0 || --duplex->corked > 0)
        return 0;
    lh2_visit(L, 1);
    send_waiting(L, duplex);
    lh2_depart(L, &duplex->object);
    return 0;
}

/* writable:setDefaultEncoding(encoding) */
static int set_default_encoding(lua_State *L) {
    lh2_duplex *duplex = lh2_check(L, 1, &lh2_writable_class);
    duplex->default_encoding = (uint8_t)lh2_check_encoding(L, 2, LH2_UTF8);
    lua_settop(L, 1);
    return 1;
}

static const luaL_Reg methods[] = {{"write", write},   {"finish", finish},
                                   {"end", finish},    {"cork", cork},
                                   {"uncork", uncork}, {"setDefaultEncoding", set_default_encoding},
                                   {NULL, NULL}};

/* ----------------------------------------------------------------------------------- getters */

#define GET_BOOLEAN(name, value)                                                                   \
    static int name(lua_State *L) {                                                                \
        const lh2_duplex *duplex = lh2_check(L, 1, &lh2_writable_class);                           \
        lua_pushboolean(L, value);                                                                 \
        return 1;                                                                                  \
    }
#define GET_INTEGER(name, value)                                                                   \
    static int name(lua_State *L) {                                                                \
        const lh2_duplex *duplex = lh2_check(L, 1, &lh2_writable_class);                           \
        lua_pushinteger(L, (lua_Integer)(value));                                                  \
        return 1;                                                                                  \
    }

GET_BOOLEAN(get_writable, duplex->is_writable && !duplex->is_destroyed && !duplex->is_ending)
GET_BOOLEAN(get_ended, duplex->is_ending)
GET_BOOLEAN(get_finished, duplex->is_finished)
GET_BOOLEAN(get_need_drain, duplex->needs_drain && !duplex->is_destroyed && !duplex->is_ending)
GET_INTEGER(get_length, duplex->write_length)
GET_INTEGER(get_high_water_mark, duplex->high_water_mark)
GET_INTEGER(get_corked, duplex->corked)

static const luaL_Reg getters[] = {
    {"writable", get_writable},         {"writableEnded", get_ended},
    {"writableFinished", get_finished}, {"writableNeedDrain", get_need_drain},
    {"writableLength", get_length},     {"writableHighWaterMark", get_high_water_mark},
    {"writableCorked", get_corked},     {NULL, NULL}};

const lh2_class lh2_writable_class = {"Writable", &lh2_readable_class, methods, getters, NULL,
                                      NULL};
