#include "binding/classes/socket.h"

#include "base/mem.h"
#include "binding/args.h"
#include "binding/open.h"

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

static void note_octets(lh2_socket *socket) {
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

static void stop_timer(lh2_socket *socket) {
    if (socket->timer)
        net_timer_close(socket->timer);
    socket->timer = NULL;
}

static void op_destroy(lua_State *L, lh2_duplex *duplex) {
    lh2_socket *socket = (lh2_socket *)duplex;
    socket->is_connecting = false;
    stop_timer(socket);
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

static void note_addresses(lh2_socket *socket) {
    const net_socket *net = lh2_socket_transport(socket);
    socket->has_addresses = net_socket_local(net, &socket->local) == 0 &&
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
    note_addresses(socket);
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
    if (net && !socket->has_addresses)
        note_addresses(socket);
    if (net && net_socket_tls(net) && net_tls_is_established(net_socket_tls(net)))
        lh2_tls_socket_note(L, socket);
}

/* The connection is no more: gives back the anchor of its life and its place at the server. */
static void let_go(lua_State *L, lh2_socket *socket) {
    lh2_listener *listener = socket->listener;
    lh2_object *keeper = socket->keeper;
    note_octets(socket);
    note_facts(L, socket);
    socket->net = socket->lent = NULL;
    socket->listener = NULL;
    socket->keeper = NULL;
    if (!socket->duplex.is_destroyed) {
        lua_pushnil(L);
        lh2_duplex_destroy(L, &socket->duplex);
    }
    lh2_duplex_closed(L, &socket->duplex);
    if (listener)
        lh2_listener_lost(L, listener);
    if (keeper) {
        socket->on_lost(L, keeper);
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
                                         .on_data = on_data,
                                         .on_end = on_end,
                                         .on_writable = on_writable,
                                         .on_finish = on_finish,
                                         .on_error = on_error,
                                         .on_close = on_close};

/* -------------------------------------------------------------------------------- life cycle */

/* A socket that has no connection yet. [-0, +1, m] */
static lh2_socket *make_socket(lua_State *L, bool is_secure) {
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
    lh2_socket *socket = make_socket(L, context != NULL);
    if (context && net_tls_new(&tls, context, NULL, bytes_slice_of(NULL, 0)))
        lh2_raise_memory(L);
    lh2_anchor(L, -1);
    socket->net = net;
    net_socket_set_events(net, &events, socket);
    note_addresses(socket);
    if (tls)
        net_socket_secure(net, tls);
    else
        establish(L, socket);
    return socket;
}

lh2_socket *lh2_socket_adopt(lua_State *L, net_socket *net, lh2_object *keeper,
                             void (*on_lost)(lua_State *L, lh2_object *keeper)) {
    lh2_socket *socket = make_socket(L, net_socket_tls(net) != NULL);
    lh2_anchor(L, -1);
    net_socket_read_stop(net);
    net_socket_set_events(net, &events, socket);
    socket->net = net;
    socket->on_lost = on_lost;
    socket->keeper = keeper;
    if (keeper)
        lh2_retain(keeper);
    note_addresses(socket);
    if (socket->is_secure)
        lh2_tls_socket_note(L, socket);
    establish(L, socket);
    return socket;
}

bool lh2_socket_is_quiet(const lh2_socket *socket) {
    const lh2_duplex *duplex = &socket->duplex;
    return socket->net && socket->is_established && duplex->pending.size == 0 &&
           !duplex->has_ended && duplex->write_count == 0 && !duplex->is_ending &&
           !duplex->is_destroyed;
}

/* Takes the connection from the object, which keeps what is known of it. [-0, +0, m] */
static void retire(lua_State *L, lh2_socket *socket) {
    stop_timer(socket);
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
    lh2_socket *socket = make_socket(L, net_socket_tls(net) != NULL);
    lh2_anchor(L, -1);
    socket->net = net;
    socket->is_established = true;
    note_addresses(socket);
    retire(L, socket);
    return socket;
}

void lh2_socket_lost(lua_State *L, lh2_socket *socket) {
    let_go(L, socket);
}

/* ---------------------------------------------------------------------------------- connect */

static int check_port(lua_State *L, int index) {
    int64_t port = 0;
    if (!lua_compat_integer(L, index, &port) || port < 0 || port > 65535)
        lh2_raise_text(L, "RangeError", "ERR_SOCKET_BAD_PORT",
                       "Port should be >= 0 and < 65536. Received %s",
                       luaL_tolstring(L, index, NULL));
    return (int)port;
}

static void read_connect_options(lua_State *L, int index, net_connect_options *out) {
    out->host = lh2_opt_string(L, index, "host", NULL, "localhost");
    out->path = lh2_opt_string(L, index, "path", NULL, NULL);
    out->local_address = lh2_opt_string(L, index, "localAddress", NULL, NULL);
    out->local_port = (int)lh2_opt_integer(L, index, "localPort", 0, 65535, 0);
    out->family = (int)lh2_opt_integer(L, index, "family", 0, 6, 0);
    out->attempt_delay_ms =
        (uint32_t)lh2_opt_integer(L, index, "autoSelectFamilyAttemptTimeout", 0, INT32_MAX, 0);
    out->is_no_delay = lh2_opt_boolean(L, index, "noDelay", false);
    if (lh2_opt_boolean(L, index, "keepAlive", false))
        out->keep_alive_s =
            1 +
            (uint32_t)lh2_opt_integer(L, index, "keepAliveInitialDelay", 0, INT32_MAX, 0) / 1000;
    if (out->path)
        return;
    lua_getfield(L, index, "port");
    if (lua_isnil(L, -1))
        lh2_raise_text(L, "TypeError", "ERR_MISSING_ARGS",
                       "The \"options\" or \"port\" or \"path\" argument must be specified");
    out->port = check_port(L, -1);
    lua_pop(L, 1);
}

/* (port[, host][, callback]), (path[, callback]) or (options[, callback]) from index 2 on; strings
 * live as long as the arguments. Returns the index of the callback, 0 without one. [-0, +0, v] */
static int read_connect_args(lua_State *L, net_connect_options *out) {
    int next = 3;
    *out = (net_connect_options){.host = "localhost"};
    if (lua_istable(L, 2))
        read_connect_options(L, 2, out);
    else if (lua_type(L, 2) == LUA_TSTRING)
        out->path = lua_tostring(L, 2);
    else
        out->port = check_port(L, 2);
    if (lua_type(L, 2) == LUA_TNUMBER && lua_type(L, 3) == LUA_TSTRING)
        out->host = lua_tostring(L, next++);
    if (lua_isnoneornil(L, next))
        return 0;
    lh2_check_function(L, next, "connectListener");
    return next;
}

/* Begins to connect the socket at index 1. [-0, +0, e] */
static void begin_connect(lua_State *L, lh2_socket *socket, const net_connect_options *options) {
    net_loop *loop = lh2_runtime_loop(L);
    net_tls *tls = NULL;
    if (socket->is_secure)
        tls = lh2_tls_socket_client(L, 2, options->host);
    lh2_anchor(L, 1);
    if (net_socket_connect(&socket->net, loop, options, &events, socket)) {
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
}

/* socket:connect(...) */
static int connect_method(lua_State *L) {
    lh2_socket *socket = lh2_check(L, 1, &lh2_socket_class);
    net_connect_options options;
    int callback = read_connect_args(L, &options);
    if (socket->net || socket->duplex.is_destroyed)
        return lh2_raise_text(L, "Error", "ERR_SOCKET_ALREADY_USED",
                              "A socket connects once; make a new one");
    begin_connect(L, socket, &options);
    if (callback) {
        lua_pushvalue(L, callback);
        lh2_add_listener(L, 1, socket->is_secure ? LH2_EVENT_SECURE_CONNECT : LH2_EVENT_CONNECT,
                         true);
    }
    lua_settop(L, 1);
    return 1;
}

/* ----------------------------------------------------------------------------------- methods */

/* socket:setNoDelay([enable]) */
static int set_no_delay(lua_State *L) {
    lh2_socket *socket = lh2_check(L, 1, &lh2_socket_class);
    net_socket *net = lh2_socket_transport(socket);
    if (net)
        net_socket_set_no_delay(net, lua_isnoneornil(L, 2) || lua_toboolean(L, 2));
    lua_settop(L, 1);
    return 1;
}

/* socket:setKeepAlive([enable][, delay]) */
static int set_keep_alive(lua_State *L) {
    lh2_socket *socket = lh2_check(L, 1, &lh2_socket_class);
    int64_t delay = lua_isnumber(L, 3) ? lh2_check_duration(L, 3, "initialDelay") : 0;
    net_socket *net = lh2_socket_transport(socket);
    if (net)
        net_socket_set_keep_alive(net, lua_toboolean(L, 2), (uint32_t)(delay / 1000) + 1);
    lua_settop(L, 1);
    return 1;
}

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

/* socket:setTimeout(ms[, callback]): "timeout" after so long without activity; nothing is closed. */
static int set_timeout(lua_State *L) {
    lh2_socket *socket = lh2_check(L, 1, &lh2_socket_class);
    int64_t timeout = lh2_check_duration(L, 2, "msecs");
    lua_settop(L, 3);
    if (!lua_isnil(L, 3)) {
        lh2_check_function(L, 3, "callback");
        lh2_add_listener(L, 1, LH2_EVENT_TIMEOUT, true);
    }
    lua_settop(L, 1);
    socket->timeout_ms = (uint64_t)timeout;
    if (timeout == 0 || !socket->net) {
        stop_timer(socket);
        return 1;
    }
    net_loop *loop = lh2_runtime_loop(L);
    if (!socket->timer && net_timer_new(&socket->timer, loop, on_timer, socket))
        return lh2_raise_memory(L);
    net_timer_ref(socket->timer, false); /* the socket keeps the loop alive, not its timer */
    socket->active_ms = net_loop_now(loop);
    net_timer_start(socket->timer, socket->timeout_ms, 0);
    return 1;
}

static int set_ref(lua_State *L, bool is_ref) {
    lh2_socket *socket = lh2_check(L, 1, &lh2_socket_class);
    net_socket *net = lh2_socket_transport(socket);
    socket->is_unref = !is_ref;
    if (net)
        net_socket_ref(net, is_ref);
    lua_settop(L, 1);
    return 1;
}

static int ref_method(lua_State *L) {
    return set_ref(L, true);
}

static int unref_method(lua_State *L) {
    return set_ref(L, false);
}

/* socket:address(): its own; empty without a connection. */
static int address_method(lua_State *L) {
    const lh2_socket *socket = lh2_check(L, 1, &lh2_socket_class);
    if (socket->has_addresses && socket->local.family != 0)
        return lh2_push_address(L, &socket->local);
    lua_newtable(L);
    return 1;
}

/* The listener that destroySoon adds; upvalue: the socket. */
static int destroy_finished(lua_State *L) {
    lua_settop(L, 0);
    lua_pushvalue(L, lua_upvalueindex(1));
    lua_getfield(L, 1, "destroy");
    lua_pushvalue(L, 1);
    lua_call(L, 1, 0);
    return 0;
}

/* socket:destroySoon(): when what was written has gone. */
static int destroy_soon(lua_State *L) {
    lh2_socket *socket = lh2_check(L, 1, &lh2_socket_class);
    lua_settop(L, 1);
    lua_pushvalue(L, 1);
    lua_pushcclosure(L, destroy_finished, 1);
    if (socket->duplex.is_finished) {
        lua_call(L, 0, 0);
        return 0;
    }
    lh2_add_listener(L, 1, LH2_EVENT_FINISH, true);
    lua_getfield(L, 1, "finish");
    lua_pushvalue(L, 1);
    lua_call(L, 1, 0);
    return 0;
}

/* socket:resetAndDestroy() */
static int reset_and_destroy(lua_State *L) {
    lh2_socket *socket = lh2_check(L, 1, &lh2_socket_class);
    lua_settop(L, 1);
    socket->is_reset = !socket->is_connecting;
    lh2_anchor(L, 1);
    if (lh2_socket_transport(socket))
        lua_pushnil(L);
    else
        lh2_push_error(L, "ERR_SOCKET_CLOSED", NULL);
    lh2_duplex_destroy(L, &socket->duplex);
    lh2_release(L, &socket->duplex.object);
    return 1;
}

static const luaL_Reg methods[] = {{"connect", connect_method},
                                   {"setNoDelay", set_no_delay},
                                   {"setKeepAlive", set_keep_alive},
                                   {"setTimeout", set_timeout},
                                   {"ref", ref_method},
                                   {"unref", unref_method},
                                   {"address", address_method},
                                   {"destroySoon", destroy_soon},
                                   {"resetAndDestroy", reset_and_destroy},
                                   {NULL, NULL}};

/* -------------------------------------------------------------------------------- properties */

static int push_text(lua_State *L, const lh2_socket *socket, const net_address *address) {
    if (socket->has_addresses && address->family != 0)
        lua_pushstring(L, address->text);
    else
        lua_pushnil(L);
    return 1;
}

static int push_port(lua_State *L, const lh2_socket *socket, const net_address *address) {
    if (socket->has_addresses && address->family != 0)
        lua_pushinteger(L, address->port);
    else
        lua_pushnil(L);
    return 1;
}

static int push_family(lua_State *L, const lh2_socket *socket, const net_address *address) {
    if (socket->has_addresses && address->family != 0)
        lua_pushfstring(L, "IPv%d", address->family);
    else
        lua_pushnil(L);
    return 1;
}

#define GET_FACT(name, push, address)                                                              \
    static int name(lua_State *L) {                                                                \
        lh2_socket *socket = lh2_check(L, 1, &lh2_socket_class);                                   \
        if (!socket->has_addresses && lh2_socket_transport(socket))                                \
            note_addresses(socket);                                                                \
        return push(L, socket, &socket->address);                                                  \
    }

GET_FACT(get_remote_address, push_text, peer)
GET_FACT(get_remote_port, push_port, peer)
GET_FACT(get_remote_family, push_family, peer)
GET_FACT(get_local_address, push_text, local)
GET_FACT(get_local_port, push_port, local)
GET_FACT(get_local_family, push_family, local)

static int get_bytes_read(lua_State *L) {
    lh2_socket *socket = lh2_check(L, 1, &lh2_socket_class);
    note_octets(socket);
    lua_pushinteger(L, (lua_Integer)socket->bytes_read);
    return 1;
}

static int get_bytes_written(lua_State *L) {
    lh2_socket *socket = lh2_check(L, 1, &lh2_socket_class);
    note_octets(socket);
    lua_pushinteger(L, (lua_Integer)(socket->bytes_written + socket->duplex.write_length));
    return 1;
}

static int get_connecting(lua_State *L) {
    const lh2_socket *socket = lh2_check(L, 1, &lh2_socket_class);
    lua_pushboolean(L, socket->is_connecting);
    return 1;
}

static int get_pending(lua_State *L) {
    const lh2_socket *socket = lh2_check(L, 1, &lh2_socket_class);
    lua_pushboolean(L, !lh2_socket_transport(socket) || socket->is_connecting);
    return 1;
}

static int get_timeout(lua_State *L) {
    const lh2_socket *socket = lh2_check(L, 1, &lh2_socket_class);
    lua_pushinteger(L, (lua_Integer)socket->timeout_ms);
    return 1;
}

static int get_ready_state(lua_State *L) {
    const lh2_socket *socket = lh2_check(L, 1, &lh2_socket_class);
    const lh2_duplex *duplex = &socket->duplex;
    bool is_readable = duplex->is_readable && !duplex->is_destroyed && !duplex->is_end_emitted;
    bool is_writable = duplex->is_writable && !duplex->is_destroyed && !duplex->is_ending;
    if (socket->is_connecting)
        lua_pushliteral(L, "opening");
    else if (socket->lent)
        lua_pushliteral(L, "open");
    else if (!socket->net)
        lua_pushliteral(L, "closed");
    else if (is_readable && is_writable)
        lua_pushliteral(L, "open");
    else if (is_readable)
        lua_pushliteral(L, "readOnly");
    else
        lua_pushstring(L, is_writable ? "writeOnly" : "closed");
    return 1;
}

static const luaL_Reg getters[] = {{"remoteAddress", get_remote_address},
                                   {"remotePort", get_remote_port},
                                   {"remoteFamily", get_remote_family},
                                   {"localAddress", get_local_address},
                                   {"localPort", get_local_port},
                                   {"localFamily", get_local_family},
                                   {"bytesRead", get_bytes_read},
                                   {"bytesWritten", get_bytes_written},
                                   {"connecting", get_connecting},
                                   {"pending", get_pending},
                                   {"timeout", get_timeout},
                                   {"readyState", get_ready_state},
                                   {NULL, NULL}};

/* A socket with a connection is anchored: at lua_close, the loop closes that. */
static int gc(lua_State *L) {
    lh2_socket *socket = lua_touserdata(L, 1);
    lh2_finalize(&socket->duplex.object);
    lh2_duplex_dispose(L, &socket->duplex);
    return 0;
}

static const luaL_Reg metamethods[] = {{"__gc", gc}, {NULL, NULL}};

const lh2_class lh2_socket_class = {"Socket", &lh2_duplex_class, methods, getters,
                                    NULL,     metamethods};

/* Socket([options]): one that can connect; options.tls: a table, for a TLSSocket. */
static int new_socket(lua_State *L) {
    lua_settop(L, 1);
    lh2_check_options(L, 1, "options");
    lh2_socket *socket = make_socket(L, lh2_opt_boolean(L, 1, "secure", false));
    socket->duplex.allows_half_open = lh2_opt_boolean(L, 1, "allowHalfOpen", false);
    socket->duplex.high_water_mark =
        (size_t)lh2_opt_integer(L, 1, "highWaterMark", 0, INT32_MAX, LH2_HIGH_WATER_MARK);
    return 1;
}

void lh2_socket_open(lua_State *L) {
    lh2_class_register(L, &lh2_socket_class);
    lh2_class_register(L, &lh2_tls_socket_class);
    lua_pushcfunction(L, new_socket);
    lua_setfield(L, -2, "Socket");
}
