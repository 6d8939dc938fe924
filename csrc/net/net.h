/* The transport: libuv's loop, names, sockets and listeners, with TLS as a filter between. Knows octets
 * and, in the wire alone, the HTTP/2 engine; nothing of Lua.
 *
 * Objects with libuv handles are closed with net_*_close and freed by the loop afterwards; the
 * pointer is dead for the caller once its on_close has been called (at once for those without one).
 * No callback is made from inside a call of the caller's; all come from the loop. */
#ifndef NET_NET_H
#define NET_NET_H

#include <sys/stat.h>

#include <uv.h>

#include "base/bytes.h"
#include "h2/h2.h"
#include "net/error.h"
#include "net/tls_filter.h"

/* ------------------------------------------------------------------------------------- loop */

/* What one Lua state's runtime owns: a uv_loop_t, the read buffer, the pool of engine memory, and
 * the hooks that run once in each turn. Not shared between threads. */
typedef struct net_loop net_loop;

/* `turn` is called before the loop waits and after it has waited: the place for ticks and for one
 * gathered write per connection. It is called with `context`, and returns whether it wants to be
 * called again without waiting. */
int net_loop_new(net_loop **out, bool (*turn)(void *context), void *context);
/* Closes every handle still open (their on_close callbacks run), then frees. */
void net_loop_free(net_loop *loop);

uv_loop_t *net_loop_uv(net_loop *loop);
h2_pool *net_loop_pool(net_loop *loop);
/* Milliseconds of the loop's monotonic clock; they stand still within a turn. */
uint64_t net_loop_now(net_loop *loop);
/* Runs until nothing is alive, or one turn (UV_RUN_ONCE), or without waiting (UV_RUN_NOWAIT).
 * Returns whether something is still alive. */
bool net_loop_run(net_loop *loop, uv_run_mode mode);
/* Makes net_loop_run return after the present callback. */
void net_loop_stop(net_loop *loop);
bool net_loop_is_alive(const net_loop *loop);
/* Asks for `turn` to be called in this turn without waiting first. */
void net_loop_wake(net_loop *loop);
/* In a forked child, the first time: makes the loop as new, which shares its poll set with the parent's
 * until then. Elsewhere it does nothing. What closes descriptors sees to it itself. */
int net_loop_fork(net_loop *loop);

/* ------------------------------------------------------------------------------------ timer */

typedef struct net_timer net_timer;
int net_timer_new(net_timer **out, net_loop *loop, void (*on_timer)(net_timer *), void *context);
void *net_timer_context(const net_timer *timer);
/* (Re)starts it; with `repeat_ms` > 0 it goes on. */
void net_timer_start(net_timer *timer, uint64_t delay_ms, uint64_t repeat_ms);
void net_timer_stop(net_timer *timer);
bool net_timer_is_active(const net_timer *timer);
void net_timer_ref(net_timer *timer, bool is_ref);
bool net_timer_has_ref(const net_timer *timer);
void net_timer_close(net_timer *timer);

/* ------------------------------------------------------------------------------------- file */

/* A file to read octets from without stalling the loop: what the page cache holds is read at once, the
 * rest on libuv's thread pool; FIFOs, sockets and the like when they say that they can be read. */
typedef struct net_file net_file;

typedef struct net_file_events {
    /* net_file_open has come to its end: 0, or libuv's error, then it can only be closed. */
    void (*on_open)(net_file *file, int status);
    /* A net_file_read that said NET_FILE_AGAIN is worth trying again. */
    void (*on_ready)(net_file *file);
} net_file_events;

enum { NET_FILE_AGAIN = 1 << 30 };

/* Opens a file of any kind for reading, without waiting for the other end of a FIFO; on_open follows.
 * UV_EMFILE: a quarter of the descriptors that the process may have are such files already. */
int net_file_open(net_file **out, net_loop *loop, const char *path, const net_file_events *events,
                  void *context);
/* A file around a duplicate of the caller's descriptor, which stays the caller's; on_open does not
 * follow. */
int net_file_adopt(net_file **out, net_loop *loop, int fd, const net_file_events *events,
                   void *context);
void *net_file_context(const net_file *file);
/* As of the opening. */
const struct stat *net_file_stat(const net_file *file);
/* Before the first read: where to begin (regular files only) and how much to read at most. */
void net_file_set_range(net_file *file, uint64_t offset, uint64_t length);
/* Reads up to `max` octets: how many, 0 at the end (of the file or the range), NET_FILE_AGAIN when
 * there are none now and on_ready will follow, or libuv's error. */
long net_file_read(net_file *file, uint8_t *into, size_t max);
/* No event follows. */
void net_file_close(net_file *file);

/* ----------------------------------------------------------------------------------- socket */

/* A connection over TCP or a Unix socket, with a TLS filter or without. */
typedef struct net_socket net_socket;

/* All may be NULL. `socket` stays valid inside; the program may call any function on it. */
typedef struct net_socket_events {
    void (*on_lookup)(net_socket *, const net_error *error, const char *address, int family,
                      const char *host);
    void (*on_connect)(net_socket *); /* the transport is connected; TLS is not begun */
    void (*on_secure)(net_socket *);  /* the handshake is over; ask net_socket_tls for its facts */
    void (*on_session)(net_socket *); /* net_tls_session has something new (clients) */
    /* Plain octets, borrowed for the call. Only between read_start and read_stop. */
    void (*on_data)(net_socket *, const uint8_t *data, size_t size);
    void (*on_end)(net_socket *);      /* the peer's end: FIN, or close_notify under TLS */
    void (*on_writable)(net_socket *); /* net_socket_write may take more again */
    void (*on_finish)(net_socket *);   /* net_socket_shutdown is done */
    /* Connecting or the connection failed; nothing but on_close follows net_socket_close. */
    void (*on_error)(net_socket *, const net_error *error);
    void (*on_close)(net_socket *); /* the last call */
} net_socket_events;

typedef struct net_connect_options {
    const char *host; /* a name or an address; NULL with `path` */
    int port;
    const char *path;          /* a Unix socket */
    const char *local_address; /* NULL: any */
    int local_port;
    int family;                /* 0 both, 4 or 6 */
    uint32_t attempt_delay_ms; /* RFC 8305 §5; 0: 250 */
    bool is_no_delay;          /* TCP_NODELAY; on for HTTP/2 */
    uint32_t keep_alive_s;     /* 0: off */
} net_connect_options;

/* A socket that begins to connect: the name is looked up, addresses of both families are tried in
 * turn, staggered, and the first that answers wins (RFC 8305). on_connect or on_error follows, also
 * for what is wrong at once. */
int net_socket_connect(net_socket **out, net_loop *loop, const net_connect_options *options,
                       const net_socket_events *events, void *context);
/* A socket around a descriptor that is connected already; it owns it from now on. */
int net_socket_adopt(net_socket **out, net_loop *loop, int fd, const net_socket_events *events,
                     void *context);

void *net_socket_context(const net_socket *socket);
/* Who is told from now on: an owner can hand a socket on. */
void net_socket_set_events(net_socket *socket, const net_socket_events *events, void *context);

/* Puts a TLS filter (now owned by the socket) between the caller and the wire, and begins the
 * handshake, at once or when connected. */
void net_socket_secure(net_socket *socket, net_tls *tls);
net_tls *net_socket_tls(const net_socket *socket); /* NULL: plain */
/* The filter has its answer (net_tls_answer): the handshake goes on. */
void net_socket_answered(net_socket *socket);

/* Octets are read only between these; nothing is read ahead under plain TCP. */
void net_socket_read_start(net_socket *socket);
void net_socket_read_stop(net_socket *socket);
bool net_socket_is_reading(const net_socket *socket);
/* How many octets are read at most before the loop looks at all other sockets again (256 KiB). */
void net_socket_set_share(net_socket *socket, uint32_t octets);

/* Writes slices from the first on and says how many octets were taken (0 too): by the kernel at
 * once, by TLS, or a bounded rest by the socket's own buffer. What was not taken is the caller's,
 * who hears on_writable when it is worth trying again, and also when the kernel has the rest.
 * Before the connection stands nothing is taken; after net_socket_shutdown it is dropped. Errors
 * come by on_error; the octets then count as taken. */
size_t net_socket_write(net_socket *socket, const bytes_slice *slices, size_t count);
/* Octets that the kernel has, or the carrier: it grows as the peer, or what is in between, takes them. */
uint64_t net_socket_octets_moved(const net_socket *socket);
/* Octets taken that the kernel has not. */
size_t net_socket_queued(const net_socket *socket);
/* Octets taken that the peer's kernel has not acknowledged, where the system tells; else as queued. */
size_t net_socket_unsent(const net_socket *socket);
/* Sends what was taken, close_notify under TLS, then FIN. */
void net_socket_shutdown(net_socket *socket);
/* Closes; what was taken and not sent is lost. on_close follows. May be called at any time, also
 * while connecting (every wait is cancelled), and twice. */
void net_socket_close(net_socket *socket);
/* As close, with RST instead of FIN. */
void net_socket_reset(net_socket *socket);
bool net_socket_is_closing(const net_socket *socket);
bool net_socket_is_connecting(const net_socket *socket);

void net_socket_ref(net_socket *socket, bool is_ref);
int net_socket_set_no_delay(net_socket *socket, bool is_on);
int net_socket_set_keep_alive(net_socket *socket, bool is_on, uint32_t delay_s);
uint64_t net_socket_bytes_read(const net_socket *socket); /* of the wire, TLS included */
uint64_t net_socket_bytes_written(const net_socket *socket);

typedef struct net_address {
    char text[INET6_ADDRSTRLEN]; /* numeric; "" for a Unix socket */
    int port;
    int family; /* 4, 6, or 0 for a Unix socket */
} net_address;
/* Whether a text is an address: 4 or 6; 0: a name. */
int net_family_of(const char *text);
/* 0, or libuv's error. */
int net_socket_local(const net_socket *socket, net_address *address);
int net_socket_peer(const net_socket *socket, net_address *address);

/* What can stand in for the kernel under a socket: any other way of carrying octets. It is called
 * from within calls of the socket, and answers later, out of the loop, by net_socket_carrier_*. */
typedef struct net_carrier {
    void (*read)(void *carrier, bool is_on);
    /* Takes all octets (copies them); net_socket_carrier_writable follows when more may come. 0 or
     * UV_ENOMEM. */
    int (*write)(void *carrier, const bytes_slice *slices, size_t count);
    size_t (*queued)(const void *carrier); /* octets taken that it still has */
    void (*shutdown)(void *carrier);       /* net_socket_carrier_finished follows */
    void (*ref)(void *carrier, bool is_ref);
    void (*close)(void *carrier, bool is_reset); /* the last call */
} net_carrier;

/* A socket over a carrier, which may be connected already: with TLS or without, as any other. */
int net_socket_carry(net_socket **out, net_loop *loop, const net_carrier *carrier, void *context,
                     bool is_connected);
/* What came of it; none may be called once the carrier was closed. */
void net_socket_carrier_connected(net_socket *socket);
void net_socket_carrier_data(net_socket *socket, const uint8_t *data, size_t size);
void net_socket_carrier_end(net_socket *socket);
void net_socket_carrier_writable(net_socket *socket);
void net_socket_carrier_finished(net_socket *socket);
void net_socket_carrier_failed(net_socket *socket, const net_error *error);
/* The carrier under the socket, if it is one with these functions; else NULL. */
void *net_socket_carrier(const net_socket *socket, const net_carrier *carrier);

/* --------------------------------------------------------------------------------- listener */

typedef struct net_listener net_listener;

typedef struct net_listen_options {
    const char
        *host; /* an address or a name; NULL: every address, IPv6 with IPv4 where it can be */
    int port;  /* 0: any free one */
    const char *path; /* a Unix socket; then host and port do not count */
    int fd;           /* a listening descriptor to take over; -1: none */
    int backlog;      /* 0: 511 */
    bool is_ipv6_only;
    bool is_reuse_port; /* SO_REUSEPORT: several processes on one port */
    uint32_t mode;      /* of a Unix socket's file; 0: as the umask says */
} net_listen_options;

typedef struct net_listener_events {
    void (*on_listening)(net_listener *);
    /* A new connection, owned by the callee from now on; it has no events yet. */
    void (*on_connection)(net_listener *, net_socket *);
    void (*on_error)(net_listener *, const net_error *error);
    void (*on_close)(net_listener *);
} net_listener_events;

/* Begins to listen: on_listening or on_error follows. */
int net_listener_open(net_listener **out, net_loop *loop, const net_listen_options *options,
                      const net_listener_events *events, void *context);
void *net_listener_context(const net_listener *listener);
int net_listener_address(const net_listener *listener, net_address *address);
#define NET_MAX_PATH 112 /* of a Unix socket, with its end */
/* The path of one that listens on a Unix socket. 0, or libuv's error. */
int net_listener_path(const net_listener *listener, char path[NET_MAX_PATH]);
/* Stops and goes on with accepting; meanwhile connections wait in the kernel's backlog. */
void net_listener_pause(net_listener *listener, bool is_paused);
void net_listener_ref(net_listener *listener, bool is_ref);
/* Unlinks a Unix socket's file. */
void net_listener_close(net_listener *listener);

/* Connections counted by where they come from: an IPv4 address, or the first 64 bits of an IPv6 one. */
typedef struct net_crowd net_crowd;
int net_crowd_new(net_crowd **out, uint32_t most);
/* NULL is ignored. Sockets that are counted may outlive it. */
void net_crowd_free(net_crowd *crowd);
/* Counts a connected socket until it has closed. False where there are `most` already, or memory is
 * out; true for what has no address. */
bool net_crowd_admit(net_crowd *crowd, net_socket *socket);

/* ------------------------------------------------------------------------------------- wire */

/* Joins an engine to a transport: octets in, events out, one gathered write per turn, reading
 * stopped while the engine wants no input. */
typedef struct net_wire net_wire;

/* The transport as the wire sees it; `net_socket` has one, any other duplex can bring its own. */
typedef struct net_pipe {
    size_t (*write)(void *pipe, const bytes_slice *slices, size_t count);
    void (*read)(void *pipe, bool is_on);
    void (*shutdown)(void *pipe);
} net_pipe;
extern const net_pipe net_socket_pipe;

typedef struct net_wire_events {
    /* One event of the engine. The callee may do anything, and take the events behind it by
     * net_wire_next; if it frees the wire, none follows. */
    void (*on_event)(net_wire *, h2_event *event);
    /* The engine is finished and its last octet is with the transport. */
    void (*on_finished)(net_wire *);
    void (*on_no_memory)(net_wire *);
    /* All is told and written for now: the engine's deadline may have moved. NULL: nobody asks. When
     * it has come, touch the wire. */
    void (*on_served)(net_wire *);
} net_wire_events;

/* Owns the engine from now on. Reading starts at once; what the engine has to say goes out with the
 * turn. */
int net_wire_new(net_wire **out, net_loop *loop, h2_session *engine, const net_pipe *pipe,
                 void *pipe_context, const net_wire_events *events, void *context);
void *net_wire_context(const net_wire *wire);
/* Within on_event: the next event in place of the one that was told; false if there is none. */
bool net_wire_next(net_wire *wire, h2_event *event);
/* From the pipe: octets, the peer's end, room for writing. */
void net_wire_feed(net_wire *wire, const uint8_t *data, size_t size);
void net_wire_end(net_wire *wire);
void net_wire_writable(net_wire *wire);
/* To be called after any submit from outside on_event: output and events are looked at in this
 * turn. */
void net_wire_touch(net_wire *wire);
/* Flushes now what can go: before a socket is closed. */
void net_wire_flush(net_wire *wire);
/* Lets go of pipe, events and context: nothing is called any more. The engine is freed, with the
 * wire, now or when the callback that is running has returned. */
void net_wire_free(net_wire *wire);
/* For the loop's `turn`: flushes every touched wire. Returns whether any is still touched. */
bool net_wire_flush_all(net_loop *loop);

#endif
