/* What the files of net/ share: the loop's struct, and what every object on the loop begins
 * with. */
#ifndef NET_INTERNAL_H
#define NET_INTERNAL_H

#include "base/list.h"
#include "net/net.h"

#define NET_READ_BUFFER_OCTETS ((size_t)64 * 1024)

/* An object with libuv handles. What it has to tell, it tells out of `deliver`, which the loop
 * calls once after net_member_due: so no callback is made from inside a call of the program's. */
typedef struct net_member {
    list_node _node; /* net_loop.members, from its making until it is freed */
    list_node _due;  /* net_loop.due, while `deliver` is wanted */
    const struct net_member_class *class;
    net_loop *loop;
} net_member;

typedef struct net_member_class {
    void (*deliver)(net_member *member);
    void (*close)(net_member *member); /* bears to be called twice */
    /* Of what others own and close themselves when they are closed: the loop's end only has it wait no
     * longer, until nothing else is left. NULL: it is closed at once. */
    void (*stop)(net_member *member);
} net_member_class;

struct net_loop {
    uv_loop_t uv;
    uv_prepare_t prepare; /* before waiting, and */
    uv_check_t check;     /* after it: both run the turn */
    uv_idle_t idle;       /* active while the loop must not wait; keeps the loop alive */
    bool (*turn)(void *context);
    void *context;
    h2_pool *pool;
    list_node members;
    list_node due;
    list_node touched; /* wires with something to flush */
    list_node opened;  /* of net_opened: this turn's */
    size_t opened_count;
    size_t file_count;              /* files open */
    size_t file_limit;              /* how many there may be; 0: not known yet */
    unsigned signatures;            /* that TLS servers may still make in this turn */
    size_t read_count, read_octets; /* of sockets since the last turn */
    uint64_t rounds;                /* how often the loop has polled */
    size_t reader_count;            /* sockets that were read in this round */
    size_t event_count;             /* that wires have told */
    pid_t pid;                      /* of the process whose poll set it is */
    bool is_closing;
    bool is_running;
    bool is_in_timers; /* the callback of one is running */
    bool is_stopped;
    bool is_shared;                               /* several sockets were read in the last round */
    uint8_t read_buffer[NET_READ_BUFFER_OCTETS];  /* as it came */
    uint8_t plain_buffer[NET_READ_BUFFER_OCTETS]; /* decrypted */
};

/* A socket's read is over, with all that it told: the turn comes at once if much has been read since the
 * last one, or this was only a part of what may be there. Only from libuv's callback. */
void net_loop_note_read(net_loop *loop, size_t octets, bool is_part);
/* Moves all nodes of `from` to the empty list `to`. */
static inline void net_list_move(list_node *to, list_node *from) {
    list_link(from->prev, to, from);
    list_remove(from);
}

/* libuv's clock stands still outside of its turns: brings it up to date there. */
void net_loop_refresh_clock(net_loop *loop);

void net_member_init(net_member *member, net_loop *loop, const net_member_class *class);
/* Takes the member out of the loop; it may be freed then. */
void net_member_dispose(net_member *member);
/* Has `deliver` called in this turn of the loop. */
void net_member_due(net_member *member);

/* A regular file that is open for several readers, each with a place of its own. */
typedef struct net_opened {
    list_node _node; /* net_loop.opened, while it can be found */
    size_t references;
    int fd;
    struct stat stat;
    char path[];
} net_opened;

/* The file that was opened by this path in this turn, if the path still names it as it was: one more
 * reference. NULL: it has to be opened. */
net_opened *net_opened_find(net_loop *loop, const char *path);
/* Takes the descriptor; it can be found until the turn is over. NULL for want of memory, then nothing is
 * taken. */
net_opened *net_opened_new(net_loop *loop, const char *path, int fd, const struct stat *stat);
/* The last one closes it. */
void net_opened_unref(net_opened *opened);
/* The turn is over: nothing can be found any more. */
void net_opened_forget(net_loop *loop);

/* A libuv stream by itself, since the one that connects first becomes the socket's. */
typedef struct net_channel {
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    };
} net_channel;

/* A channel without a connection; 0 or libuv's error. */
int net_channel_new(net_channel **out, net_loop *loop, bool is_pipe);
/* Closes and frees; nothing is called back. NULL is borne. */
void net_channel_close(net_channel *channel);

/* A name being looked up, or an address that needs no looking up. */
typedef struct net_lookup net_lookup;
/* The list is valid during the call; `status` is 0 or libuv's error. */
typedef void net_lookup_done(void *context, int status, const struct addrinfo *list);
/* `family` is 0, 4 or 6; done is called once, from the loop. 0 or libuv's error. */
int net_lookup_start(net_lookup **out, net_loop *loop, const char *host, int family,
                     net_lookup_done *done, void *context);
/* `done` is not called any more; it frees itself. NULL is borne. */
void net_lookup_cancel(net_lookup *lookup);
/* Whether the text is an address: 4 or 6, else 0. `address` may be NULL. */
int net_parse_address(const char *text, int port, struct sockaddr_storage *address);
/* The numeric text, port and family of a socket's address. */
void net_format_address(const struct sockaddr_storage *storage, net_address *address);
void net_set_port(struct sockaddr_storage *address, int port);

/* The attempts to connect of one socket (RFC 8305). */
typedef struct net_connector net_connector;
int net_connector_new(net_connector **out, net_socket *socket, net_loop *loop,
                      const net_connect_options *options);
/* Cancels whatever it waits for; the socket is not called any more. NULL is borne. */
void net_connector_close(net_connector *connector);

/* What a connector reports; the socket lets go of it in both of the last two. */
void net_socket_looked_up(net_socket *socket, const net_error *error, const char *address,
                          int family, const char *host);
void net_socket_connected(net_socket *socket, net_channel *channel);
void net_socket_failed(net_socket *socket, const net_error *error);

/* A socket around a connected channel, which it owns if it succeeds. */
int net_socket_from_channel(net_socket **out, net_loop *loop, net_channel *channel);

#endif
