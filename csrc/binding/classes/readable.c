#include "binding/classes/halves.h"

/* The states of Node's Readable: not flowing until somebody asks, then by "data" (flowing) or by
 * "readable" and read(). Octets that arrive while nobody takes them lie in `pending`. */

static size_t pending_size(const lh2_duplex *duplex) {
    return duplex->pending.size - duplex->taken;
}

void lh2_readable_update(lua_State *L, lh2_duplex *duplex) {
    bool has_room = pending_size(duplex) < duplex->high_water_mark;
    bool is_wanted = duplex->flowing == 1 || (duplex->is_asked && has_room);
    if (!duplex->is_readable || duplex->has_ended || duplex->is_destroyed)
        is_wanted = false;
    if (is_wanted == duplex->is_reading)
        return;
    duplex->is_reading = is_wanted;
    if (duplex->ops->read)
        duplex->ops->read(L, duplex, is_wanted);
}

/* ----------------------------------------------------------------------------- taking octets */

/* The program has what `size` octets of `pending` stand for: tells the source. */
static void note_consumed(lh2_duplex *duplex, size_t size) {
    size_t left = pending_size(duplex), raw = duplex->raw_pending;
    if (size < left)
        raw = (size_t)((double)raw * (double)size / (double)left);
    duplex->raw_pending -= raw;
    if (raw > 0 && duplex->ops->consumed)
        duplex->ops->consumed(duplex, raw);
}

/* Pushes the first `size` octets of what is pending, which are gone then. [-0, +1, m] */
static void take(lua_State *L, lh2_duplex *duplex, size_t size) {
    lua_pushlstring(L, (const char *)duplex->pending.data + duplex->taken, size);
    note_consumed(duplex, size);
    duplex->taken += size;
    duplex->was_read = true;
    if (pending_size(duplex) == 0) {
        bytes_buffer_dispose(&duplex->pending);
        duplex->taken = 0;
    }
}

/* Lets go of all that is pending. */
static void discard(lh2_duplex *duplex) {
    note_consumed(duplex, pending_size(duplex));
    bytes_buffer_dispose(&duplex->pending);
    duplex->taken = 0;
    duplex->was_read = true;
}

/* Delivers what is pending as long as the program lets it flow. [-0, +0, e] */
static void flow(lua_State *L, lh2_duplex *duplex) {
    while (duplex->flowing == 1 && pending_size(duplex) > 0 && !duplex->is_errored &&
           !duplex->is_close_emitted) {
        if (lh2_has_listener(&duplex->object, LH2_EVENT_DATA)) {
            take(L, duplex, pending_size(duplex));
            lh2_emit(L, &duplex->object, LH2_EVENT_DATA, 1);
        } else {
            discard(duplex);
        }
    }
    if (duplex->flowing == 1)
        lh2_readable_check_end(L, duplex);
}

/* ------------------------------------------------------------------------------------ events */

static void end_writing(lua_State *L, lh2_object *object, intptr_t unused) {
    (void)unused;
    lh2_writable_end(L, (lh2_duplex *)object);
}

/* "end" is due, in a tick or, as a part of something else, before one. [-0, +0, e] */
static void tell_end(lua_State *L, lh2_duplex *duplex, bool is_in_tick) {
    lh2_object *object = &duplex->object;
    duplex->is_end_due = false;
    if (duplex->is_end_emitted || duplex->is_errored || duplex->is_close_emitted ||
        pending_size(duplex) > 0)
        return;
    duplex->is_end_emitted = true;
    bool is_writing = duplex->is_writable && !duplex->is_ending && !duplex->is_destroyed;
    if (is_writing && !duplex->allows_half_open)
        lh2_tick_push(L, object, end_writing, 0);
    else
        lh2_duplex_check_done(L, duplex, is_in_tick && !lh2_has_listener(object, LH2_EVENT_END));
    lh2_emit(L, object, LH2_EVENT_END, 0);
}

static void emit_end(lua_State *L, lh2_object *object, intptr_t unused) {
    (void)unused;
    tell_end(L, (lh2_duplex *)object, true);
}

void lh2_duplex_emit_due_end(lua_State *L, lh2_duplex *duplex) {
    if (duplex->is_end_due)
        tell_end(L, duplex, false);
}

void lh2_readable_check_end(lua_State *L, lh2_duplex *duplex) {
    if (!duplex->is_readable || !duplex->has_ended || duplex->is_end_emitted ||
        duplex->is_end_due || pending_size(duplex) > 0)
        return;
    duplex->is_end_due = true;
    lh2_tick_push(L, &duplex->object, emit_end, 0);
}

static void emit_readable(lua_State *L, lh2_object *object, intptr_t unused) {
    (void)unused;
    lh2_duplex *duplex = (lh2_duplex *)object;
    bool has_news = pending_size(duplex) > 0 || duplex->has_ended;
    duplex->is_readable_due = false;
    duplex->needs_readable = false;
    if (has_news && !duplex->is_destroyed && !duplex->is_errored)
        lh2_emit(L, object, LH2_EVENT_READABLE, 0);
    duplex->needs_readable = duplex->flowing != 1 && !duplex->has_ended &&
                             pending_size(duplex) <= duplex->high_water_mark;
    flow(L, duplex);
}

static void schedule_readable(lua_State *L, lh2_duplex *duplex) {
    duplex->needs_readable = false;
    if (duplex->is_readable_due || !lh2_has_listener(&duplex->object, LH2_EVENT_READABLE))
        return;
    duplex->is_readable_due = true;
    lh2_tick_push(L, &duplex->object, emit_readable, 0);
}

static void do_resume(lua_State *L, lh2_object *object, intptr_t unused) {
    (void)unused;
    lh2_duplex *duplex = (lh2_duplex *)object;
    duplex->is_resume_due = false;
    lh2_readable_update(L, duplex);
    lh2_emit(L, object, LH2_EVENT_RESUME, 0);
    flow(L, duplex);
    lh2_readable_update(L, duplex);
}

void lh2_duplex_resume(lua_State *L, lh2_duplex *duplex) {
    duplex->is_paused = false;
    if (duplex->flowing == 1)
        return;
    duplex->flowing = !lh2_has_listener(&duplex->object, LH2_EVENT_READABLE);
    if (duplex->is_resume_due)
        return;
    duplex->is_resume_due = true;
    lh2_tick_push(L, &duplex->object, do_resume, 0);
}

/* ------------------------------------------------------------------------------- the source */

/* Room for `size` octets in a buffer that is the duplex's `pending` or becomes it. [-0, +0, m] */
static void reserve(lua_State *L, lh2_duplex *duplex, bytes_buffer *buffer, size_t size) {
    lh2_need_finalizer(L, &duplex->object);
    if (bytes_buffer_reserve(buffer, size))
        lh2_raise_memory(L);
}

/* Appends octets to what is pending, as text if there is an encoding. [-0, +0, m] */
static void append(lua_State *L, lh2_duplex *duplex, const uint8_t *data, size_t size) {
    bytes_buffer *pending = &duplex->pending;
    lh2_encoding encoding = (lh2_encoding)duplex->encoding;
    reserve(L, duplex, pending, lh2_text_bound(encoding, size));
    pending->size +=
        lh2_text_of(encoding, &duplex->carry, data, size, pending->data + pending->size);
    duplex->raw_pending += size;
}

void lh2_duplex_data(lua_State *L, lh2_duplex *duplex, const uint8_t *data, size_t size) {
    if (duplex->is_destroyed || duplex->has_ended || !duplex->is_readable || size == 0)
        return;
    if (duplex->flowing == 1 && pending_size(duplex) == 0 && duplex->encoding == LH2_OCTETS) {
        bool is_heard = lh2_has_listener(&duplex->object, LH2_EVENT_DATA);
        if (is_heard)
            lua_pushlstring(L, (const char *)data, size);
        duplex->was_read = true;
        if (duplex->ops->consumed)
            duplex->ops->consumed(duplex, size);
        if (is_heard)
            lh2_emit(L, &duplex->object, LH2_EVENT_DATA, 1);
        return;
    }
    append(L, duplex, data, size);
    if (duplex->flowing == 1)
        flow(L, duplex);
    else if (duplex->needs_readable)
        schedule_readable(L, duplex);
    lh2_readable_update(L, duplex);
}

/* What is carried of a character that will not be completed. [-0, +0, m] */
static void end_text(lua_State *L, lh2_duplex *duplex) {
    bytes_buffer *pending = &duplex->pending;
    if (duplex->carry.size == 0)
        return;
    reserve(L, duplex, pending, 4);
    pending->size +=
        lh2_text_end((lh2_encoding)duplex->encoding, &duplex->carry, pending->data + pending->size);
}

void lh2_duplex_end(lua_State *L, lh2_duplex *duplex) {
    bool is_news = duplex->is_readable && !duplex->has_ended;
    if (is_news) {
        duplex->has_ended = true;
        duplex->is_reading = false;
        end_text(L, duplex);
    }
    if (duplex->flowing == 1)
        flow(L, duplex);
    else if (is_news)
        schedule_readable(L, duplex);
    if (duplex->auto_destroy) {
        lh2_readable_check_end(L, duplex);
        lh2_duplex_check_done(L, duplex, false);
    }
}

/* --------------------------------------------------------------------------------- listeners */

/* As read(0): asks the source, and ends what has nothing left. */
static void ask(lua_State *L, lh2_object *object, intptr_t unused) {
    (void)unused;
    lh2_duplex *duplex = (lh2_duplex *)object;
    lh2_readable_update(L, duplex);
    lh2_readable_check_end(L, duplex);
}

/* The last "readable" listener has gone: flowing again if that is what remains. */
static void reconsider(lua_State *L, lh2_object *object, intptr_t unused) {
    (void)unused;
    lh2_duplex *duplex = (lh2_duplex *)object;
    if (lh2_has_listener(object, LH2_EVENT_READABLE))
        return;
    if (duplex->is_resume_due && !duplex->is_paused)
        duplex->flowing = 1;
    else if (lh2_has_listener(object, LH2_EVENT_DATA))
        lh2_duplex_resume(L, duplex);
    else
        duplex->flowing = -1;
    lh2_readable_update(L, duplex);
}

static void on_readable_added(lua_State *L, lh2_duplex *duplex) {
    if (duplex->is_end_emitted)
        return;
    duplex->flowing = 0;
    duplex->is_asked = true;
    if (pending_size(duplex) > 0) {
        schedule_readable(L, duplex);
    } else {
        duplex->needs_readable = true;
        lh2_tick_push(L, &duplex->object, ask, 0);
    }
}

void lh2_readable_listened(lua_State *L, int index, int event, bool is_added) {
    lh2_duplex *duplex = lua_touserdata(L, index);
    if (!duplex->is_readable || (event != LH2_EVENT_DATA && event != LH2_EVENT_READABLE))
        return;
    lh2_visit(L, index);
    if (event == LH2_EVENT_READABLE && is_added)
        on_readable_added(L, duplex);
    else if (event == LH2_EVENT_READABLE)
        lh2_tick_push(L, &duplex->object, reconsider, 0);
    else if (is_added && duplex->flowing != 0)
        lh2_duplex_resume(L, duplex);
    lh2_depart(L, &duplex->object);
}

void lh2_readable_open(lua_State *L) {
    lh2_set_listener_hook(L, &lh2_readable_class, LH2_EVENT_BIT(DATA) | LH2_EVENT_BIT(READABLE),
                          lh2_readable_listened);
}

/* ----------------------------------------------------------------------------------- methods */

/* readable:pause() */
static int pause_method(lua_State *L) {
    lh2_duplex *duplex = lh2_check(L, 1, &lh2_readable_class);
    bool is_news = duplex->flowing != 0;
    lh2_visit(L, 1);
    duplex->flowing = 0;
    duplex->is_paused = true;
    duplex->is_asked = false;
    lh2_readable_update(L, duplex);
    lh2_depart(L, &duplex->object);
    if (is_news)
        lh2_emit_at(L, 1, LH2_EVENT_PAUSE, 0);
    lua_settop(L, 1);
    return 1;
}

/* readable:resume() */
static int resume_method(lua_State *L) {
    lh2_duplex *duplex = lh2_check(L, 1, &lh2_readable_class);
    lh2_visit(L, 1);
    lh2_duplex_resume(L, duplex);
    lh2_depart(L, &duplex->object);
    lua_settop(L, 1);
    return 1;
}

/* readable:isPaused() */
static int is_paused(lua_State *L) {
    const lh2_duplex *duplex = lh2_check(L, 1, &lh2_readable_class);
    lua_pushboolean(L, duplex->is_paused || duplex->flowing == 0);
    return 1;
}

/* How much read(n) gives: all or nothing of `wanted`, but at the end the rest. */
static size_t readable_amount(const lh2_duplex *duplex, bool wants_all, size_t wanted) {
    size_t pending = pending_size(duplex);
    if (wants_all || wanted <= pending)
        return wants_all ? pending : wanted;
    return duplex->has_ended ? pending : 0;
}

/* readable:read([size]): a string or nil; emits "data" too, as Node does. */
static int read_method(lua_State *L) {
    lh2_duplex *duplex = lh2_check(L, 1, &lh2_readable_class);
    bool wants_all = lua_isnoneornil(L, 2);
    size_t wanted = wants_all ? 0 : (size_t)lh2_check_integer(L, 2, "size", 0, 1 << 30);
    lua_settop(L, 1);
    lh2_visit(L, 1);
    if (wanted > duplex->high_water_mark)
        duplex->high_water_mark = wanted;
    size_t amount = readable_amount(duplex, wants_all, wanted);
    if (amount > 0)
        take(L, duplex, amount);
    else
        lua_pushnil(L);
    duplex->is_asked = true;
    if (!duplex->has_ended && pending_size(duplex) <= duplex->high_water_mark)
        duplex->needs_readable |= amount == 0 || pending_size(duplex) == 0;
    if (wants_all || amount < wanted || amount == 0)
        lh2_readable_check_end(L, duplex);
    lh2_readable_update(L, duplex);
    lh2_depart(L, &duplex->object);
    if (amount > 0 && !duplex->is_errored && !duplex->is_close_emitted) {
        lua_pushvalue(L, 2);
        lh2_emit_at(L, 1, LH2_EVENT_DATA, 1);
    }
    return 1;
}

/* Puts octets in front of what is pending. They stand for none of the source's. [-0, +0, m] */
static void put_back(lua_State *L, lh2_duplex *duplex, const char *data, size_t size) {
    size_t left = pending_size(duplex);
    bytes_buffer whole;
    bytes_buffer_init(&whole);
    reserve(L, duplex, &whole, size + left);
    memcpy(whole.data, data, size);
    if (left > 0)
        memcpy(whole.data + size, duplex->pending.data + duplex->taken, left);
    whole.size = size + left;
    bytes_buffer_dispose(&duplex->pending);
    duplex->pending = whole;
    duplex->taken = 0;
}

static void flow_on(lua_State *L, lh2_object *object, intptr_t unused) {
    (void)unused;
    flow(L, (lh2_duplex *)object);
}

/* readable:unshift(chunk): what was read too far is the first to be read again. */
static int unshift(lua_State *L) {
    lh2_duplex *duplex = lh2_check(L, 1, &lh2_readable_class);
    size_t size;
    const char *data = lh2_check_string(L, 2, "chunk", &size);
    if (duplex->is_end_emitted)
        return lh2_raise(L, "ERR_STREAM_UNSHIFT_AFTER_END_EVENT", NULL);
    lh2_visit(L, 1);
    if (size > 0 && !duplex->is_destroyed) {
        put_back(L, duplex, data, size);
        if (duplex->flowing == 1)
            lh2_tick_push(L, &duplex->object, flow_on, 0);
        else
            schedule_readable(L, duplex);
    }
    lua_pushboolean(L, !duplex->is_destroyed && pending_size(duplex) < duplex->high_water_mark);
    lh2_depart(L, &duplex->object);
    return 1;
}

/* readable:setEncoding([encoding]); what is pending becomes text too. */
static int set_encoding(lua_State *L) {
    lh2_duplex *duplex = lh2_check(L, 1, &lh2_readable_class);
    lh2_encoding encoding = lh2_check_encoding(L, 2, LH2_UTF8);
    bool has_octets = duplex->encoding == LH2_OCTETS && pending_size(duplex) > 0;
    duplex->encoding = (uint8_t)encoding;
    if (has_octets) {
        size_t raw = duplex->raw_pending, first = duplex->taken;
        bytes_buffer octets = duplex->pending;
        duplex->pending = (bytes_buffer){0};
        duplex->taken = 0;
        if (bytes_buffer_reserve(&duplex->pending, lh2_text_bound(encoding, octets.size))) {
            duplex->pending = octets;
            return lh2_raise_memory(L);
        }
        append(L, duplex, octets.data + first, octets.size - first);
        duplex->raw_pending = raw;
        bytes_buffer_dispose(&octets);
    }
    lua_settop(L, 1);
    return 1;
}

static const luaL_Reg methods[] = {{"read", read_method},
                                   {"pause", pause_method},
                                   {"resume", resume_method},
                                   {"isPaused", is_paused},
                                   {"setEncoding", set_encoding},
                                   {"unshift", unshift},
                                   {NULL, NULL}};

/* ----------------------------------------------------------------------------------- getters */

#define GET_BOOLEAN(name, value)                                                                   \
    static int name(lua_State *L) {                                                                \
        const lh2_duplex *duplex = lh2_check(L, 1, &lh2_readable_class);                           \
        lua_pushboolean(L, value);                                                                 \
        return 1;                                                                                  \
    }

GET_BOOLEAN(get_readable, duplex->is_readable && !duplex->is_destroyed && !duplex->is_end_emitted)
GET_BOOLEAN(get_ended, duplex->is_end_emitted)
GET_BOOLEAN(get_aborted, duplex->is_readable && duplex->is_destroyed && !duplex->is_end_emitted)
GET_BOOLEAN(get_did_read, duplex->was_read)

static int get_flowing(lua_State *L) {
    const lh2_duplex *duplex = lh2_check(L, 1, &lh2_readable_class);
    if (duplex->flowing < 0)
        lua_pushnil(L);
    else
        lua_pushboolean(L, duplex->flowing);
    return 1;
}

static int get_length(lua_State *L) {
    const lh2_duplex *duplex = lh2_check(L, 1, &lh2_readable_class);
    lua_pushinteger(L, (lua_Integer)pending_size(duplex));
    return 1;
}

static int get_high_water_mark(lua_State *L) {
    const lh2_duplex *duplex = lh2_check(L, 1, &lh2_readable_class);
    lua_pushinteger(L, (lua_Integer)duplex->high_water_mark);
    return 1;
}

static int get_encoding(lua_State *L) {
    const lh2_duplex *duplex = lh2_check(L, 1, &lh2_readable_class);
    lua_pushstring(L, lh2_encoding_name((lh2_encoding)duplex->encoding));
    return 1;
}

static const luaL_Reg getters[] = {{"readable", get_readable},
                                   {"readableEnded", get_ended},
                                   {"readableAborted", get_aborted},
                                   {"readableDidRead", get_did_read},
                                   {"readableFlowing", get_flowing},
                                   {"readableLength", get_length},
                                   {"readableHighWaterMark", get_high_water_mark},
                                   {"readableEncoding", get_encoding},
                                   {NULL, NULL}};

const lh2_class lh2_readable_class = {"Readable", &lh2_emitter_class, methods, getters, NULL, NULL};
