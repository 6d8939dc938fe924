/* The wire between an engine and its transport. Octets go in and events come out at once; output is
 * left to the loop's turn, so that all that a round produced leaves in one write. */
#include "base/mem.h"
#include "net/internal.h"

#define MAX_SLICES 128 /* of one write */
/* Framed ahead of one write: less than max_outbound_octets, at which a peer who does not read is read no
 * longer, since two whose DATA does not get away would both stop. */
#define MAX_WRITE_OCTETS ((size_t)384 * 1024)
#define MAX_TURN_OCTETS ((size_t)1024 * 1024) /* of one wire, before others have their turn */

struct net_wire {
    net_loop *loop;
    h2_session *engine;
    const net_pipe *pipe;
    void *pipe_context;
    const net_wire_events *events;
    void *context;
    list_node touched;    /* in net_loop.touched */
    bytes_buffer backlog; /* fed from within an event: its turn comes when the event is over */
    unsigned depth;       /* functions of the wire that are running: freeing waits for them */
    bool is_freed;
    bool is_telling;  /* events are being told */
    bool is_blocked;  /* the transport is full and will say when it is not */
    bool is_reading;  /* the transport was asked to read */
    bool is_finished; /* on_finished was called */
    bool is_broken;   /* memory was out */
};

/* --------------------------------------------------------------------------------- life cycle */

static void enter(net_wire *wire) {
    wire->depth++;
}

static void dispose(net_wire *wire) {
    h2_session_free(wire->engine);
    bytes_buffer_dispose(&wire->backlog);
    mem_free(wire);
}

static void leave(net_wire *wire) {
    if (--wire->depth == 0 && wire->is_freed)
        dispose(wire);
}

void net_wire_free(net_wire *wire) {
    if (!wire || wire->is_freed)
        return;
    wire->is_freed = true;
    list_remove(&wire->touched);
    if (wire->depth == 0)
        dispose(wire);
}

/* Whether there is an engine to talk to and somebody to hear of it. */
static bool is_working(const net_wire *wire) {
    return !wire->is_freed && !wire->is_broken;
}

static void give_up(net_wire *wire) {
    if (!is_working(wire))
        return;
    wire->is_broken = true;
    list_remove(&wire->touched);
    wire->events->on_no_memory(wire);
}

/* -------------------------------------------------------------------------------------- input */

bool net_wire_next(net_wire *wire, h2_event *event) {
    if (!is_working(wire))
        return false;
    if (h2_session_next(wire->engine, event) != H2_OK) {
        give_up(wire);
        return false;
    }
    if (event->kind == H2_EV_NONE)
        return false;
    wire->loop->event_count++;
    return true;
}

static void tell_events(net_wire *wire) {
    h2_event event;
    while (net_wire_next(wire, &event))
        wire->events->on_event(wire, &event);
}

static void feed(net_wire *wire, const uint8_t *data, size_t size) {
    h2_session_feed(wire->engine, data, size, net_loop_now(wire->loop));
    tell_events(wire);
}

/* Tells what there is to tell, then what was fed meanwhile. */
static void pump(net_wire *wire, const uint8_t *data, size_t size) {
    wire->is_telling = true;
    if (size > 0)
        feed(wire, data, size);
    else
        tell_events(wire);
    while (wire->backlog.size > 0 && is_working(wire)) {
        bytes_buffer octets = wire->backlog;
        bytes_buffer_init(&wire->backlog);
        feed(wire, octets.data, octets.size);
        bytes_buffer_dispose(&octets);
    }
    wire->is_telling = false;
}

/* Reading goes on exactly while the engine takes input. */
static void steer_reading(net_wire *wire) {
    if (!is_working(wire))
        return;
    bool is_wanted = h2_session_wants_input(wire->engine);
    if (is_wanted == wire->is_reading)
        return;
    wire->is_reading = is_wanted;
    wire->pipe->read(wire->pipe_context, is_wanted);
}

static void look_after_input(net_wire *wire) {
    if (!is_working(wire))
        return;
    net_wire_touch(wire);
    steer_reading(wire);
}

void net_wire_feed(net_wire *wire, const uint8_t *data, size_t size) {
    if (!is_working(wire) || size == 0)
        return;
    enter(wire);
    if (wire->is_telling) {
        if (bytes_buffer_append(&wire->backlog, data, size) != 0)
            give_up(wire);
    } else {
        pump(wire, data, size);
        look_after_input(wire);
    }
    leave(wire);
}

void net_wire_end(net_wire *wire) {
    if (!is_working(wire))
        return;
    h2_session_end_input(wire->engine);
    net_wire_touch(wire);
}

/* ------------------------------------------------------------------------------------- output */

/* One gathered write. The octets written; 0 when there is nothing, or no room. */
static size_t write_once(net_wire *wire, size_t max_octets) {
    bytes_slice slices[MAX_SLICES];
    size_t count, total = 0;
    if (h2_session_output(wire->engine, slices, MAX_SLICES, max_octets, &count) != H2_OK) {
        give_up(wire);
        return 0;
    }
    for (size_t i = 0; i < count; i++)
        total += slices[i].size;
    if (total == 0)
        return 0;
    size_t taken = wire->pipe->write(wire->pipe_context, slices, count);
    h2_session_sent(wire->engine, taken);
    wire->is_blocked = taken < total;
    return taken;
}

/* Writes until there is no more, the transport is full, or `*budget` is used up. */
static void write_some(net_wire *wire, size_t *budget) {
    while (*budget > 0 && !wire->is_blocked && is_working(wire) &&
           h2_session_wants_output(wire->engine)) {
        size_t max_octets = *budget < MAX_WRITE_OCTETS ? *budget : MAX_WRITE_OCTETS;
        size_t written = write_once(wire, max_octets);
        if (written == 0)
            return;
        *budget -= written < *budget ? written : *budget;
    }
}

static void finish(net_wire *wire) {
    if (!is_working(wire) || wire->is_finished || !h2_session_is_finished(wire->engine) ||
        h2_session_wants_output(wire->engine))
        return;
    wire->is_finished = true;
    wire->pipe->shutdown(wire->pipe_context);
    wire->events->on_finished(wire);
}

/* Output makes events (streams that close), events make output: both, until all is quiet or the
 * wire has had its share of this turn. */
static void serve(net_wire *wire) {
    size_t budget = MAX_TURN_OCTETS;
    enter(wire);
    h2_session_tick(wire->engine, net_loop_now(wire->loop));
    do {
        write_some(wire, &budget);
        pump(wire, NULL, 0);
    } while (is_working(wire) && budget > 0 && !wire->is_blocked &&
             h2_session_wants_output(wire->engine));
    if (is_working(wire) && !wire->is_blocked && h2_session_wants_output(wire->engine))
        net_wire_touch(wire);
    else
        finish(wire);
    steer_reading(wire);
    if (is_working(wire) && wire->events->on_served)
        wire->events->on_served(wire);
    leave(wire);
}

void net_wire_writable(net_wire *wire) {
    wire->is_blocked = false;
    net_wire_touch(wire);
}

void net_wire_touch(net_wire *wire) {
    if (!is_working(wire) || !list_is_empty(&wire->touched))
        return;
    list_append(&wire->loop->touched, &wire->touched);
    net_loop_wake(wire->loop);
}

void net_wire_flush(net_wire *wire) {
    if (!is_working(wire))
        return;
    size_t budget = SIZE_MAX;
    enter(wire);
    write_some(wire, &budget);
    leave(wire);
}

bool net_wire_flush_all(net_loop *loop) {
    /* A wire that is touched meanwhile waits for the next round, so that this one ends. */
    list_node batch;
    list_init(&batch);
    net_list_move(&batch, &loop->touched);
    list_node *node;
    while ((node = list_first(&batch)) != NULL) {
        list_remove(node);
        serve(LIST_ENTRY(node, net_wire, touched));
    }
    return !list_is_empty(&loop->touched);
}

/* --------------------------------------------------------------------------------- the socket */

static size_t write_socket(void *pipe, const bytes_slice *slices, size_t count) {
    return net_socket_write(pipe, slices, count);
}

static void read_socket(void *pipe, bool is_on) {
    if (is_on)
        net_socket_read_start(pipe);
    else
        net_socket_read_stop(pipe);
}

static void shut_down_socket(void *pipe) {
    net_socket_shutdown(pipe);
}

const net_pipe net_socket_pipe = {write_socket, read_socket, shut_down_socket};

/* ------------------------------------------------------------------------------------- making */

int net_wire_new(net_wire **out, net_loop *loop, h2_session *engine, const net_pipe *pipe,
                 void *pipe_context, const net_wire_events *events, void *context) {
    net_wire *wire = mem_alloc(sizeof(*wire));
    if (!wire)
        return UV_ENOMEM;
    memset(wire, 0, sizeof(*wire));
    wire->loop = loop;
    wire->engine = engine;
    wire->pipe = pipe;
    wire->pipe_context = pipe_context;
    wire->events = events;
    wire->context = context;
    list_init(&wire->touched);
    *out = wire;
    wire->is_reading = true;
    pipe->read(pipe_context, true);
    net_wire_touch(wire);
    return 0;
}

void *net_wire_context(const net_wire *wire) {
    return wire->context;
}
