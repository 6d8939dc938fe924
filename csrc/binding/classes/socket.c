#include "binding/classes/socket.h"

#include "binding/classes/halves.h"

/* Slices given to the transport in one go. */
#define MAX_SLICES 64

/* ---------------------------------------------------------------------------------- writing */

/* The transport has taken `octets`: writes that are through are released. */
static void advance(lh2_socket *socket, size_t octets) {
    while (socket->first) {
        lh2_write *write = socket->first;
        size_t left = write->size - socket->sent;
        if (octets < left) {
            socket->sent += octets;
            return;
        }
        octets -= left;
        socket->sent = 0;
        socket->first = write->next;
        lh2_write_release(&write->chunk, true);
        if (octets == 0 && socket->first && socket->first->size > 0)
            return;
    }
}

/* Gives the transport what it takes; when all is taken, the end. Needs no Lua. */
static void flush(lh2_socket *socket) {
    if (!socket->net || !socket->is_established)
        return;
    while (socket->first) {
        bytes_slice slices[MAX_SLICES];
        size_t count = 0, total = 0, sent = socket->sent;
        for (lh2_write *write = socket->first; write && count < MAX_SLICES; write = write->next) {
            slices[count] = bytes_slice_of(write->chunk.data + sent, write->size - sent);
            total += slices[count++].size;
            sent = 0;
        }
        size_t taken = total > 0 ? net_socket_write(socket->net, slices, count) : 0;
        socket->active_ms = net_loop_now(socket->duplex.object.runtime->loop);
        advance(socket, taken);
        if (taken < total)
            return;
    }
    if (socket->is_finishing) {
        socket->is_finishing = false;
        net_socket_shutdown(socket->net);
    }
}

static void flush_tick(lua_State *L, lh2_object *object, intptr_t unused) {
    (void)L, (void)unused;
    lh2_socket *socket = (lh2_socket *)object;
    socket->is_flush_due = false;
    flush(socket);
}

/* What one round of the loop writes leaves together. */
static void schedule_flush(lua_State *L, lh2_socket *socket) {
    if (socket->is_flush_due)
        return;
    socket->is_flush_due = true;
    lh2_tick_push(L, &socket->duplex.object, flush_tick, 0);
}

/* ------------------------------------------------------------------------- duplex operations */

static void op_read(lua_State *L, lh2_duplex *duplex, bool is_wanted) {
    (void)L;
    lh2_socket *socket = (lh2_socket *)duplex;
    if (!socket->net || !socket->is_established)
        return;
    if (is_wanted)
        net_socket_read_start(socket->net);
    else
        net_socket_read_stop(socket->net);
}

static void op_write(lua_State *L, lh2_duplex *duplex, lh2_write *write) {
    lh2_socket *socket = (lh2_socket *)duplex;
    if (socket->first)
        socket->last->next = write;
    else
        socket->first = write;
    socket->last = write;
    schedule_flush(L, socket);
}

static void op_finish(lua_State *L, lh2_duplex *duplex) {
    lh2_socket *socket = (lh2_socket *)duplex;
    socket->is_finishing = true;
    schedule_flush(L, socket);
}

/* "finish" comes with the transport's on_finish. */
static bool op_flushed(lua_State *L, lh2_duplex *duplex) {
    (void)L, (void)duplex;
    return false;
}

void lh2_socket_note_octets(lh2_socket *socket) {
    const net_socket *net = lh2_socket_transport(socket);
    if (!net)
        return;
    socket->bytes_read = net_socket_bytes_read(net);
    socket->bytes_written = net_socket_bytes_written(net);
}

static void drop_writes(lh2_socket *socket) {
    while (socket->first) {
        lh2_write *write = socket->first;
        socket->first = write->next;
        lh2_write_release(&write->chunk, false);
    }
    socket->sent = 0;
}

void lh2_socket_stop_timer(lh2_socket *socket) {
    if (socket->timer)
        net_timer_close(socket->timer);
    socket->timer = NULL;
}

static void op_destroy(lua_State *L, lh2_duplex *duplex) {
    lh2_socket *socket = (lh2_socket *)duplex;
    socket->is_connecting = false;
    socket->is_finishing = false;
    lh2_socket_stop_timer(socket);
    drop_writes(socket);
    net_socket *net = lh2_socket_transport(socket);
    if (!net)
        lh2_duplex_closed(L, duplex);
    else if (socket->is_reset)
        net_socket_reset(net);
    else
        net_socket_close(net);
}

static const lh2_duplex_ops ops = {.read = op_read,
                                   .write = op_write,
                                   .finish = op_finish,
                                   .flushed = op_flushed,
                                   .destroy = op_destroy};

/* -------------------------------------------------------------------------- from the transport */

static lh2_runtime *runtime_of(net_socket *net) {
    lh2_socket *socket = net_socket_context(net);
    return socket->duplex.object.runtime;
}

/* One event on its way into Lua. */
typedef struct happening {
    lh2_socket *socket;
    const uint8_t *data;
    size_t size;
    const net_error *error;
    const char *address, *host;
    int family;
} happening;

static void enter(net_socket *net, void (*body)(lua_State *L, void *data), happening event) {
    event.socket = net_socket_context(net);
    lh2_enter(runtime_of(net), body, &event, &event.socket->duplex.object);
}

void lh2_socket_note_addresses(lh2_socket *socket) {
    const net_socket *net = lh2_socket_transport(socket);
    socket->has_addresses = net && net_socket_local(net, &socket->local) == 0 &&
                            net_socket_peer(net, &socket->peer) == 0;
}

/* Data can flow now, both ways. */
static void establish(lua_State *L, lh2_socket *socket) {
    socket->is_established = true;
    if (socket->duplex.is_reading)
        net_socket_read_start(socket->net);
    lh2_duplex_release_held(L, &socket->duplex);
}

static void tell_lookup(lua_State *L, void *data) {
    const happening *event = data;
    if (event->error)
        lh2_push_net_error(L, event->error);
    else
        lua_pushnil(L);
    lua_pushstring(L, event->address);
    lua_pushinteger(L, event->family);
    lua_pushstring(L, event->host);
    lh2_emit(L, &event->socket->duplex.object, LH2_EVENT_LOOKUP, 4);
}

static void on_lookup(net_socket *net, const net_error *error, const char *address, int family,
                      const char *host) {
    enter(net, tell_lookup,
          (happening){.error = error, .address = address, .family = family, .host = host});
}

static void tell_connect(lua_State *L, void *data) {
    lh2_socket *socket = ((happening *)data)->socket;
    socket->is_connecting = false;
    lh2_socket_note_addresses(socket);
    if (!socket->is_secure)
        establish(L, socket);
    lh2_emit_later(L, &socket->duplex.object, LH2_EVENT_READY);
    lh2_emit(L, &socket->duplex.object, LH2_EVENT_CONNECT, 0);
}

static void on_connect(net_socket *net) {
    enter(net, tell_connect, (happening){0});
}

static void tell_secure(lua_State *L, void *data) {
    lh2_socket *socket = ((happening *)data)->socket;
    lh2_tls_socket_note(L, socket);
    establish(L, socket);
    if (!socket->listener) {
        lh2_emit(L, &socket->duplex.object, LH2_EVENT_SECURE_CONNECT, 0);
        return;
    }
    lh2_push(L, &socket->duplex.object);
    lh2_emit(L, (lh2_object *)socket->listener, LH2_EVENT_SECURE_CONNECTION, 1);
}

static void on_secure(net_socket *net) {
    enter(net, tell_secure, (happening){0});
}

static void tell_session(lua_State *L, void *data) {
    lh2_tls_socket_tell_session(L, ((happening *)data)->socket);
}

static void on_session(net_socket *net) {
    enter(net, tell_session, (happening){0});
}

static void tell_data(lua_State *L, void *data) {
    const happening *event = data;
    event->socket->active_ms = net_loop_now(event->socket->duplex.object.runtime->loop);
    lh2_duplex_data(L, &event->socket->duplex, event->data, event->size);
}

static void on_data(net_socket *net, const uint8_t *data, size_t size) {
    enter(net, tell_data, (happening){.data = data, .size = size});
}

static void tell_end(lua_State *L, void *data) {
    lh2_duplex_end(L, &((happening *)data)->socket->duplex);
}

static void on_end(net_socket *net) {
    enter(net, tell_end, (happening){0});
}

static void on_writable(net_socket *net) {
    flush(net_socket_context(net));
}

static void tell_finish(lua_State *L, void *data) {
    lh2_duplex_finished(L, &((happening *)data)->socket->duplex);
}

static void on_finish(net_socket *net) {
    enter(net, tell_finish, (happening){0});
}

/* A handshake that failed at a server is the server's to tell; else the socket ends with the error. */
static void tell_error(lua_State *L, void *data) {
    const happening *event = data;
    lh2_socket *socket = event->socket;
    lh2_push_net_error(L, event->error);
    if (!socket->listener || socket->is_established) {
        lh2_duplex_destroy(L, &socket->duplex);
        return;
    }
    lua_pushnil(L);
    lh2_duplex_destroy(L, &socket->duplex);
    lh2_push(L, &socket->duplex.object);
    lh2_emit(L, (lh2_object *)socket->listener, LH2_EVENT_TLS_CLIENT_ERROR, 2);
}

static void on_error(net_socket *net, const net_error *error) {
    enter(net, tell_error, (happening){.error = error});
}

/* What the members tell after the end as well. */
static void note_facts(lua_State *L, lh2_socket *socket) {
    const net_socket *net = lh2_socket_transport(socket);
    lh2_socket_note_octets(socket);
    if (!socket->has_addresses)
        lh2_socket_note_addresses(socket);
    if (net && net_socket_tls(net) && net_tls_is_established(net_socket_tls(net)))
        lh2_tls_socket_note(L, socket);
}

/* The connection is no more: gives back the anchor of its life and its place at the server. */
static void let_go(lua_State *L, lh2_socket *socket) {
    lh2_listener *listener = socket->listener;
    lh2_object *keeper = socket->keeper;
    note_facts(L, socket);
    socket->net = socket->lent = NULL;
    socket->listener = NULL;
    if (socket->doom)
        net_timer_close(socket->doom);
    socket->doom = NULL;
    if (!socket->duplex.is_destroyed) {
        lua_pushnil(L);
        lh2_duplex_destroy(L, &socket->duplex);
    }
    lh2_duplex_closed(L, &socket->duplex);
    if (listener)
        lh2_listener_lost(L, listener);
    if (keeper) {
        socket->on_lost(L, socket);
        socket->keeper = NULL;
        lh2_release(L, keeper);
    }
    lh2_release(L, &socket->duplex.object);
}

static void tell_close(lua_State *L, void *data) {
    let_go(L, ((happening *)data)->socket);
}

static void on_close(net_socket *net) {
    enter(net, tell_close, (happening){0});
}

static const net_socket_events events = {.on_lookup = on_lookup,
                                         .on_connect = on_connect,
                                         .on_secure = on_secure,
                                         .on_session = on_session,
                                         .on_data = on_data,
                                         .on_end = on_end,
                                         .on_writable = on_writable,
                                         .on_finish = on_finish,
                                         .on_error = on_error,
                                         .on_close = on_close};

/* ---------------------------------------------------------------------------------- idle time */

static void tell_timeout(lua_State *L, void *data) {
    lh2_socket *socket = data;
    lh2_emit(L, &socket->duplex.object, LH2_EVENT_TIMEOUT, 0);
}

/* Activity does not touch the timer: when it fires, it waits for what is left. */
static void on_timer(net_timer *timer) {
    lh2_socket *socket = net_timer_context(timer);
    lh2_runtime *runtime = socket->duplex.object.runtime;
    uint64_t idle_ms = net_loop_now(runtime->loop) - socket->active_ms;
    if (idle_ms < socket->timeout_ms)
        net_timer_start(timer, socket->timeout_ms - idle_ms, 0);
    else
        lh2_enter(runtime, tell_timeout, socket, &socket->duplex.object);
}

void lh2_socket_start_timer(lua_State *L, lh2_socket *socket) {
    if (socket->timeout_ms == 0 || !socket->net)
        return;
    net_loop *loop = lh2_runtime_loop(L);
    if (!socket->timer && net_timer_new(&socket->timer, loop, on_timer, socket))
        lh2_raise_memory(L);
    net_timer_ref(socket->timer, false); /* the socket keeps the loop alive, not its timer */
    socket->active_ms = net_loop_now(loop);
    net_timer_start(socket->timer, socket->timeout_ms, 0);
}

/* -------------------------------------------------------------------------------- life cycle */

lh2_socket *lh2_socket_make(lua_State *L, bool is_secure) {
    const lh2_class *class = is_secure ? &lh2_tls_socket_class : &lh2_socket_class;
    lh2_socket *socket = lh2_new(L, class, sizeof *socket);
    lh2_duplex_init(&socket->duplex, &ops, true, true);
    socket->duplex.allows_half_open = false;
    socket->duplex.auto_destroy = true;
    socket->duplex.is_held = true;
    socket->is_secure = is_secure;
    return socket;
}

lh2_socket *lh2_socket_new(lua_State *L, net_socket *net, net_tls_context *context) {
    net_tls *tls = NULL;
    lh2_socket *socket = lh2_socket_make(L, context != NULL);
    if (context && net_tls_new(&tls, context, NULL, bytes_slice_of(NULL, 0)))
        lh2_raise_memory(L);
    lh2_anchor(L, -1);
    socket->net = net;
    net_socket_set_events(net, &events, socket);
    lh2_socket_note_addresses(socket);
    if (tls)
        net_socket_secure(net, tls);
    else
        establish(L, socket);
    return socket;
}

lh2_socket *lh2_socket_adopt(lua_State *L, net_socket *net, lh2_object *keeper,
                             void (*on_lost)(lua_State *L, lh2_socket *socket)) {
    lh2_socket *socket = lh2_socket_make(L, net_socket_tls(net) != NULL);
    lh2_anchor(L, -1);
    net_socket_read_stop(net);
    net_socket_set_events(net, &events, socket);
    socket->net = net;
    socket->on_lost = on_lost;
    socket->keeper = keeper;
    lh2_retain(keeper);
    lh2_socket_note_addresses(socket);
    if (socket->is_secure)
        lh2_tls_socket_note(L, socket);
    establish(L, socket);
    return socket;
}

static void doom_in_lua(lua_State *L, void *data) {
    lua_pushnil(L);
    lh2_duplex_destroy(L, data);
}

static void on_doom(net_timer *timer) {
    lh2_socket *socket = net_timer_context(timer);
    lh2_enter(socket->duplex.object.runtime, doom_in_lua, socket, NULL);
}

void lh2_socket_destroy_after(lua_State *L, lh2_socket *socket, uint64_t delay_ms) {
    if (net_timer_new(&socket->doom, lh2_runtime_loop(L), on_doom, socket))
        lh2_raise_memory(L);
    net_timer_ref(socket->doom, false);
    net_timer_start(socket->doom, delay_ms, 0);
}

bool lh2_socket_is_quiet(const lh2_socket *socket) {
    const lh2_duplex *duplex = &socket->duplex;
    return socket->net && socket->is_established && duplex->pending.size == 0 &&
           !duplex->has_ended && duplex->write_count == 0 && !duplex->is_ending &&
           !duplex->is_destroyed;
}

/* Takes the connection from the object, which keeps what is known of it. [-0, +0, m] */
static void retire(lua_State *L, lh2_socket *socket) {
    lh2_socket_stop_timer(socket);
    socket->lent = socket->net;
    socket->net = NULL;
    socket->duplex.is_readable = false;
    lh2_duplex_abort_writing(L, &socket->duplex, false);
}

net_socket *lh2_socket_surrender(lua_State *L, lh2_socket *socket) {
    net_socket *net = socket->net;
    retire(L, socket);
    net_socket_read_stop(net);
    net_socket_set_events(net, NULL, NULL);
    return net;
}

lh2_socket *lh2_socket_describe(lua_State *L, net_socket *net) {
    lh2_socket *socket = lh2_socket_make(L, net_socket_tls(net) != NULL);
    lh2_anchor(L, -1);
    socket->net = net;
    socket->is_established = true;
    lh2_socket_note_addresses(socket);
    retire(L, socket);
    return socket;
}

void lh2_socket_lost(lua_State *L, lh2_socket *socket) {
    let_go(L, socket);
}

void lh2_socket_connect(lua_State *L, lh2_socket *socket, const net_connect_options *options) {
    net_loop *loop = lh2_runtime_loop(L);
    net_tls *tls = NULL;
    net_connect_options all = *options;
    all.is_no_delay |= socket->is_no_delay;
    if (socket->keep_alive_s > 0)
        all.keep_alive_s = socket->keep_alive_s;
    if (socket->is_secure)
        tls = lh2_tls_socket_client(L, socket, 2, options->host);
    lh2_anchor(L, 1);
    if (net_socket_connect(&socket->net, loop, &all, &events, socket)) {
        socket->net = NULL;
        net_tls_free(tls);
        lh2_release(L, &socket->duplex.object);
        lh2_raise_memory(L);
    }
    if (tls)
        net_socket_secure(socket->net, tls);
    if (socket->is_unref)
        net_socket_ref(socket->net, false);
    socket->is_connecting = true;
    lh2_socket_start_timer(L, socket);
}
