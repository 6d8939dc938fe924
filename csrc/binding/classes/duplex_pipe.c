#include "binding/classes/duplex_pipe.h"

#include <stdio.h>

#include "binding/args.h"

/* Octets, and what the Duplex tells, are gathered and looked at in a tick: so the session never runs
 * inside a call of the program's, nor the program inside one of the session's. */
typedef struct duplex_pipe {
    lh2_object object; /* anchored as long as there is a socket over it */
    net_socket *net;   /* NULL once that is closed */
    bytes_buffer in;   /* of the Duplex, not told yet */
    bytes_buffer out;  /* for the Duplex */
    bool has_heard_connect, has_heard_end, has_heard_error, has_heard_finish; /* not told yet */
    bool is_connecting;
    bool is_read_wanted; /* by the socket */
    bool is_flowing;     /* the Duplex was told so */
    bool is_listening;   /* to its "data" */
    bool is_full;        /* write() said false: until "drain" */
    bool owes_writable;  /* the socket waits to write more */
    bool wants_finish;
    bool is_let_go; /* the Duplex is not to be destroyed */
    bool is_due;    /* the tick is on its way; else there is room kept for it */
} duplex_pipe;

static const lh2_class pipe_class;

/* Private fields: the Duplex; the error it has emitted. */
static const char duplex_key, error_key;

static void work(lua_State *L, lh2_object *object, intptr_t unused);

static void schedule(duplex_pipe *pipe) {
    if (pipe->is_due || pipe->object.runtime->is_closing)
        return;
    pipe->is_due = true;
    lh2_retain(&pipe->object);
    lh2_tick_push_reserved(&pipe->object, work, 0);
}

/* ---------------------------------------------------------------------------- from the socket */

static void on_read_wanted(void *carrier, bool is_on) {
    duplex_pipe *pipe = carrier;
    pipe->is_read_wanted = is_on;
    schedule(pipe);
}

static int on_write(void *carrier, const bytes_slice *slices, size_t count) {
    duplex_pipe *pipe = carrier;
    for (size_t i = 0; i < count; i++)
        if (bytes_buffer_append(&pipe->out, slices[i].data, slices[i].size) != 0)
            return UV_ENOMEM;
    pipe->owes_writable = true;
    schedule(pipe);
    return 0;
}

static size_t octets_queued(const void *carrier) {
    return ((const duplex_pipe *)carrier)->out.size;
}

static void on_shutdown(void *carrier) {
    duplex_pipe *pipe = carrier;
    pipe->wants_finish = true;
    schedule(pipe);
}

/* A Duplex has no say in how long the loop runs. */
static void on_ref(void *carrier, bool is_ref) {
    (void)carrier, (void)is_ref;
}

static void on_close(void *carrier, bool is_reset) {
    (void)is_reset;
    duplex_pipe *pipe = carrier;
    pipe->net = NULL;
    schedule(pipe);
}

static const net_carrier carrier = {on_read_wanted, on_write, octets_queued,
                                    on_shutdown,    on_ref,   on_close};

/* ---------------------------------------------------------------------------- from the Duplex */

typedef enum heard {
    HEARD_CONNECT,
    HEARD_DATA,
    HEARD_END,
    HEARD_DRAIN,
    HEARD_FINISH,
    HEARD_ERROR,
    HEARD_CLOSE
} heard;

static void take_data(lua_State *L, duplex_pipe *pipe) {
    size_t size;
    const char *data = lh2_check_string(L, 1, "chunk", &size);
    if (bytes_buffer_append(&pipe->in, (const uint8_t *)data, size) != 0)
        lh2_raise_memory(L);
}

static void take_error(lua_State *L, duplex_pipe *pipe) {
    lua_settop(L, 1);
    pipe->has_heard_error = true;
    lh2_to_error(L);
    lh2_set_private(L, lua_upvalueindex(1), &error_key);
}

/* A listener; upvalues: the pipe, and what it listens to. */
static int on_event(lua_State *L) {
    duplex_pipe *pipe = lua_touserdata(L, lua_upvalueindex(1));
    if (!pipe->net)
        return 0;
    switch ((heard)lua_tointeger(L, lua_upvalueindex(2))) {
    case HEARD_CONNECT:
        pipe->has_heard_connect = true;
        break;
    case HEARD_DATA:
        take_data(L, pipe);
        break;
    case HEARD_DRAIN:
        pipe->is_full = false;
        break;
    case HEARD_FINISH:
        pipe->has_heard_finish = true;
        break;
    case HEARD_ERROR:
        take_error(L, pipe);
        break;
    case HEARD_CLOSE:
        pipe->has_heard_finish = true; /* nothing more can be sent */
        pipe->is_full = false;
        pipe->has_heard_end = true;
        break;
    case HEARD_END:
        pipe->has_heard_end = true;
        break;
    }
    schedule(pipe);
    return 0;
}

/* ------------------------------------------------------------------------- members of a Duplex */

static bool is_true(lua_State *L, int index, const char *property) {
    lua_getfield(L, index, property);
    bool truth = lua_toboolean(L, -1);
    lua_pop(L, 1);
    return truth;
}

/* Pushes a method of the Duplex at `index` and the Duplex. [-0, +2, e] */
static void push_method(lua_State *L, int index, const char *name) {
    lua_getfield(L, index, name);
    lua_pushvalue(L, index);
}

static void call_method(lua_State *L, int index, const char *name) {
    push_method(L, index, name);
    lua_call(L, 1, 0);
}

/* The pipe at `pipe` listens to an event of the Duplex at `index`. [-0, +0, e] */
static void listen_to(lua_State *L, int index, int pipe, const char *event, heard what) {
    push_method(L, index, "on");
    lua_pushstring(L, event);
    lua_pushvalue(L, pipe);
    lua_pushinteger(L, what);
    lua_pushcclosure(L, on_event, 2);
    lua_call(L, 3, 0);
}

/* ------------------------------------------------------------------------------------ the tick */

/* Octets flow as the socket wants them. The pipe is at 1, the Duplex at 2. */
static void steer_reading(lua_State *L, duplex_pipe *pipe) {
    if (pipe->is_read_wanted == pipe->is_flowing || pipe->is_connecting)
        return;
    pipe->is_flowing = pipe->is_read_wanted;
    if (pipe->is_flowing && !pipe->is_listening) {
        pipe->is_listening = true;
        listen_to(L, 2, 1, "data", HEARD_DATA);
    }
    call_method(L, 2, pipe->is_flowing ? "resume" : "pause");
}

static void write_out(lua_State *L, duplex_pipe *pipe) {
    if (pipe->is_connecting || pipe->is_full)
        return;
    if (pipe->out.size > 0) {
        push_method(L, 2, "write");
        lua_pushlstring(L, (const char *)pipe->out.data, pipe->out.size);
        bytes_buffer_dispose(&pipe->out);
        lua_call(L, 2, 1);
        pipe->is_full = lua_isboolean(L, -1) && !lua_toboolean(L, -1);
        lua_pop(L, 1);
    }
    if (pipe->wants_finish) {
        pipe->wants_finish = false;
        lua_getfield(L, 2, "finish");
        bool has_finish = !lua_isnil(L, -1);
        lua_pop(L, 1);
        call_method(L, 2, has_finish ? "finish" : "end");
    }
}

/* The error object in the words of the transport. */
static void fail_socket(lua_State *L, duplex_pipe *pipe) {
    net_error error = {.port = -1};
    lh2_get_private(L, 1, &error_key);
    lua_getfield(L, -1, "message");
    snprintf(error.text, sizeof(error.text), "%s",
             lua_isstring(L, -1) ? lua_tostring(L, -1) : "the Duplex has failed");
    lua_pop(L, 2);
    net_socket_carrier_failed(pipe->net, &error);
}

static void fail_connecting(duplex_pipe *pipe) {
    net_error error = {.code = "ERR_SOCKET_CLOSED", .port = -1, .text = "Socket is closed"};
    net_socket_carrier_failed(pipe->net, &error);
}

/* Tells the socket one thing that is due, the earliest first; false if there is nothing to tell. After
 * each the socket may be closed. */
static bool tell_one(lua_State *L, duplex_pipe *pipe) {
    if (pipe->has_heard_connect && pipe->is_connecting) {
        pipe->is_connecting = false;
        net_socket_carrier_connected(pipe->net);
    } else if (pipe->in.size > 0 && pipe->is_read_wanted) {
        bytes_buffer octets = pipe->in;
        bytes_buffer_init(&pipe->in);
        net_socket_carrier_data(pipe->net, octets.data, octets.size);
        bytes_buffer_dispose(&octets);
    } else if (pipe->has_heard_error) {
        pipe->has_heard_error = false;
        fail_socket(L, pipe);
    } else if (pipe->has_heard_end && pipe->in.size == 0) {
        pipe->has_heard_end = false;
        if (pipe->is_connecting)
            fail_connecting(pipe);
        else
            net_socket_carrier_end(pipe->net);
    } else if (pipe->has_heard_finish) {
        pipe->has_heard_finish = false;
        net_socket_carrier_finished(pipe->net);
    } else if (pipe->owes_writable && pipe->out.size == 0 && !pipe->is_full) {
        pipe->owes_writable = false;
        net_socket_carrier_writable(pipe->net);
    } else {
        return false;
    }
    return true;
}

/* The socket over it is closed: the Duplex goes with it. */
static void end_pipe(lua_State *L, duplex_pipe *pipe) {
    bytes_buffer_dispose(&pipe->in);
    bytes_buffer_dispose(&pipe->out);
    lh2_release(L, &pipe->object); /* the tick has an anchor of its own */
    if (!pipe->is_let_go && !is_true(L, 2, "destroyed"))
        call_method(L, 2, "destroy");
}

/* With the pipe and the Duplex as arguments. */
static int work_in_lua(lua_State *L) {
    duplex_pipe *pipe = lua_touserdata(L, 1);
    steer_reading(L, pipe);
    write_out(L, pipe);
    while (pipe->net && tell_one(L, pipe)) {
    }
    return 0;
}

static int end_in_lua(lua_State *L) {
    end_pipe(L, lua_touserdata(L, 1));
    return 0;
}

/* What the members of the Duplex raise is nobody's to catch, and the end of the connection. */
static void work(lua_State *L, lh2_object *object, intptr_t unused) {
    (void)unused;
    duplex_pipe *pipe = (duplex_pipe *)object;
    bool is_open = pipe->net != NULL;
    if (is_open) {
        lh2_tick_reserve(L, object->runtime); /* the slot of this tick is free: it cannot fail */
        pipe->is_due = false;
    }
    lua_pushcfunction(L, is_open ? work_in_lua : end_in_lua);
    lh2_push(L, object);
    lh2_get_private(L, -1, &duplex_key);
    net_error error = {.code = "EPIPE", .port = -1, .text = "a method of the Duplex has failed"};
    if (!lh2_call_blaming(L, 2, NULL) && pipe->net)
        net_socket_carrier_failed(pipe->net, &error);
}

/* -------------------------------------------------------------------------------------- making */

/* Whether there is a connection to wait for, and the event that says that it stands. [-0, +0, e] */
static const char *connect_event(lua_State *L, int index) {
    bool is_securing = is_true(L, index, "secureConnecting");
    if (!is_securing && !is_true(L, index, "connecting"))
        return NULL;
    return is_securing || is_true(L, index, "encrypted") ? "secureConnect" : "connect";
}

static void listen_to_all(lua_State *L, int index, int pipe) {
    const char *event = connect_event(L, index);
    if (event)
        listen_to(L, index, pipe, event, HEARD_CONNECT);
    ((duplex_pipe *)lua_touserdata(L, pipe))->is_connecting = event != NULL;
    listen_to(L, index, pipe, "end", HEARD_END);
    listen_to(L, index, pipe, "drain", HEARD_DRAIN);
    listen_to(L, index, pipe, "finish", HEARD_FINISH);
    listen_to(L, index, pipe, "error", HEARD_ERROR);
    listen_to(L, index, pipe, "close", HEARD_CLOSE);
}

net_socket *lh2_duplex_pipe_open(lua_State *L, int index) {
    net_loop *loop = lh2_runtime_loop(L);
    index = lua_absindex(L, index);
    duplex_pipe *pipe = lh2_new(L, &pipe_class, sizeof(*pipe));
    int at = lua_gettop(L);
    lua_pushvalue(L, index);
    lh2_set_private(L, at, &duplex_key);
    listen_to_all(L, index, at);
    bool is_dead = is_true(L, index, "destroyed");
    pipe->is_connecting = pipe->is_connecting || is_dead; /* to what will never be */
    lh2_tick_reserve(L, pipe->object.runtime);
    lh2_anchor(L, at);
    if (net_socket_carry(&pipe->net, loop, &carrier, pipe, !pipe->is_connecting) != 0) {
        lh2_tick_unreserve(pipe->object.runtime);
        lh2_release(L, &pipe->object);
        lh2_raise_memory(L);
    }
    lua_getfield(L, index, "errored");
    pipe->has_heard_error = is_dead && !lua_isnil(L, -1);
    lh2_set_private(L, at, &error_key);
    if (is_dead || is_true(L, index, "readableEnded")) {
        pipe->has_heard_end = true;
        schedule(pipe);
    }
    lua_pop(L, 1);
    return pipe->net;
}

void lh2_duplex_pipe_push(lua_State *L, const net_socket *socket) {
    duplex_pipe *pipe = net_socket_carrier(socket, &carrier);
    if (!pipe) {
        lua_pushnil(L);
        return;
    }
    lh2_push(L, &pipe->object);
    lh2_get_private(L, -1, &duplex_key);
    lua_remove(L, -2);
}

void lh2_duplex_pipe_let_go(net_socket *socket) {
    duplex_pipe *pipe = net_socket_carrier(socket, &carrier);
    if (pipe)
        pipe->is_let_go = true;
    net_socket_set_events(socket, NULL, NULL);
    net_socket_close(socket);
}

void lh2_push_socket_error(lua_State *L, const net_socket *socket, const net_error *error) {
    duplex_pipe *pipe = net_socket_carrier(socket, &carrier);
    if (pipe) {
        lh2_push(L, &pipe->object);
        lh2_get_private(L, -1, &error_key);
        lua_remove(L, -2);
        if (!lua_isnil(L, -1))
            return;
        lua_pop(L, 1);
    }
    lh2_push_net_error(L, error);
}

/* --------------------------------------------------------------------------------------- class */

static int pipe_gc(lua_State *L) {
    duplex_pipe *pipe = lua_touserdata(L, 1);
    lh2_finalize(&pipe->object);
    bytes_buffer_dispose(&pipe->in);
    bytes_buffer_dispose(&pipe->out);
    return 0;
}

static const luaL_Reg metamethods[] = {{"__gc", pipe_gc}, {NULL, NULL}};

static const lh2_class pipe_class = {"DuplexPipe", NULL, NULL, NULL, NULL, metamethods};

void lh2_duplex_pipe_open_class(lua_State *L) {
    lh2_class_register(L, &pipe_class);
}
