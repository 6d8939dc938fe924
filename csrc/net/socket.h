/* A socket's insides: socket.c keeps its life, socket_read.c and socket_write.c what their names
 * say. */
#ifndef NET_SOCKET_H
#define NET_SOCKET_H

#include "net/internal.h"

/* What is read of one socket in a round of polling, before others have their turn. */
#define NET_SOCKET_SHARE (256 * 1024)

/* Cipher text that is made in one go, to begin with. */
#define NET_MIN_SEALED_OCTETS (64 * 1024)

/* Calls back, if the program wants to hear of it. */
#define TELL(socket, event, ...)                                                                   \
    do {                                                                                           \
        if ((socket)->events->event)                                                               \
            (socket)->events->event(__VA_ARGS__);                                                  \
    } while (0)

/* Where connections are counted (crowd.c). */
typedef struct net_crowd_place net_crowd_place;
/* One of them is gone; NULL: there was none. */
void net_crowd_leave(net_crowd_place *place);

/* What net_member_due is to tell. */
enum {
    DUE_PLAIN = 1,  /* plain text may lie in the filter */
    DUE_FINISH = 2, /* on_finish */
    DUE_ERROR = 4,
    DUE_CLOSED = 8,
    DUE_ANSWER = 16 /* the filter goes on with what it has */
};

struct net_socket {
    net_member member;
    const net_socket_events *events;
    void *context;
    net_channel *channel;       /* NULL until connected, and with a carrier */
    net_connector *connector;   /* while connecting */
    const net_carrier *carrier; /* in the place of a channel; NULL: none, or it has been let go */
    void *carrier_context;
    net_tls *tls;           /* NULL: plain */
    net_crowd_place *place; /* where the peer is counted; NULL: nowhere */
    net_error *failure;     /* for on_error; NULL with DUE_ERROR: memory was out */
    uint64_t bytes_read;
    uint64_t share_round; /* of the loop, in which share_taken octets were read */
    uint32_t share, share_taken;
    uint32_t read_octets; /* to ask for at a time while it is the only one that is read */
    uint32_t seal_octets; /* cipher text to make in one go */
    uint64_t bytes_written;
    bytes_buffer rest; /* octets that the kernel did not take: libuv has them */
    union {
        uv_write_t write; /* of `rest` */
        uv_shutdown_t shutdown;
    } request; /* one after the other */
    uint8_t due;
    bool is_unref : 1;
    bool is_closing : 1;
    bool is_failed : 1;
    bool is_reading : 1;   /* the program wants octets */
    bool is_polling : 1;   /* libuv reads */
    bool is_cut_short : 1; /* reading stopped while the filter held plain text */
    bool has_begun_tls : 1;
    bool is_carried : 1;     /* the carrier is connected */
    bool has_fin : 1;        /* the transport's end has come */
    bool has_ended : 1;      /* on_end was called */
    bool is_writing : 1;     /* request.write is under way, or the carrier is full */
    bool wants_writable : 1; /* on_writable was promised */
    bool wants_shutdown : 1;
    bool has_sent_notify : 1; /* close_notify is with the filter */
    bool has_shut_down : 1;
};

/* Whether there is a connection, TLS or not. */
static inline bool net_socket_is_connected(const net_socket *socket) {
    return socket->channel || socket->is_carried;
}
/* Whether octets of the program can flow: connected, and the handshake is over. */
bool net_socket_is_open(const net_socket *socket);
/* The socket is of no use any more; on_error will say why. NULL: memory is out. */
void net_socket_break(net_socket *socket, const net_error *error);
void net_socket_break_uv(net_socket *socket, int status, const char *syscall);
/* As the filter's status and error say, after its alert has gone. */
void net_socket_break_tls(net_socket *socket, net_tls_status status, const net_error *error);
void net_socket_set_due(net_socket *socket, uint8_t due);

/* A socket without a connection yet; NULL for want of memory. */
net_socket *net_socket_make(net_loop *loop, const net_socket_events *events, void *context);

/* Octets, or the end, have come from the transport. */
void net_socket_receive(net_socket *socket, const uint8_t *data, size_t size);
void net_socket_receive_fin(net_socket *socket);
/* The connection stands: told, and TLS begins where there is to be any. */
void net_socket_begin(net_socket *socket);
/* What was written is out of our hands: more may come. */
void net_socket_written(net_socket *socket);

/* Has the transport read exactly while there is someone to read for: the program, or the handshake. */
void net_socket_poll(net_socket *socket);
/* Gives the filter octets, maybe none, and goes on as far as it can. */
void net_socket_receive_sealed(net_socket *socket, const uint8_t *data, size_t size);
/* Hands on what the filter holds, as long as the program reads. */
void net_socket_read_filter(net_socket *socket);

/* Sends what the filter has for the peer. */
void net_socket_flush(net_socket *socket);
/* Goes on with writing and with shutting down where that has become possible. */
void net_socket_resume_writing(net_socket *socket);

#endif
