/* TLS by mbedTLS, as a filter of octets without I/O: what net.h offers of it. */
#ifndef NET_TLS_FILTER_H
#define NET_TLS_FILTER_H

#include "base/bytes.h"
#include "net/error.h"

/* Keys, certificates and rules for many connections of one role; counted references. Does not know
 * the loop. */
typedef struct net_tls_context net_tls_context;
/* One connection's TLS: octets in, octets out, no I/O. */
typedef struct net_tls net_tls;

typedef struct net_tls_options {
    bool is_server;
    bytes_slice cert, key;  /* PEM (chain first to last; key may be encrypted) or DER */
    const char *passphrase; /* NULL: none */
    const bytes_slice *ca;  /* trusted certificates; none: the system's store, read when first
                                 needed to verify */
    size_t ca_count;
    const bytes_slice *crls; /* lists of what the authorities have revoked */
    size_t crl_count;
    const char *const *alpn; /* preferred first; servers refuse a list that shares none */
    size_t alpn_count;
    const char *ciphers;    /* OpenSSL or IANA names with ':'; NULL: what RFC 9113 §9.2.2 leaves,
                                 the faster on this machine first */
    const char *groups;     /* OpenSSL's curves with ':', in TLS 1.2 the preferred first; NULL or
                                 "auto": X25519:P-256:P-384 */
    const char *signatures; /* OpenSSL's names of signature algorithms with ':', preferred first;
                                 NULL: with SHA-256 at least */
    bytes_slice dhparam; /* servers: the finite field for DHE suites, in PEM or DER; may be empty */
    int min_version, max_version; /* 0x0303 TLS 1.2, 0x0304 TLS 1.3; 0: the library's widest, never
                                     under 1.2 */
    bool request_cert;            /* servers: ask the client for a certificate */
    bool reject_unauthorized;     /* a certificate that does not verify ends the handshake */
    bool has_tickets;             /* session tickets (servers) and resumption (clients) */
    bool is_h2_strict;            /* only suites and parameters that RFC 9113 §9.2 allows */
} net_tls_options;

/* Fails with a net_error that names what could not be read: key, certificate, ca, passphrase,
 * mismatch of key and certificate, unknown cipher, curve or signature, a field that is too small. */
int net_tls_context_new(net_tls_context **out, const net_tls_options *options, net_error *error);
net_tls_context *net_tls_context_ref(net_tls_context *context);
void net_tls_context_unref(net_tls_context *context);
/* The certificate (0) or the one behind it in the chain (1) in DER, of the host or of the context
 * itself; empty if there is none. */
bytes_slice net_tls_context_certificate(const net_tls_context *context, bytes_slice host,
                                        size_t index);
/* Further certificates by host name ("*.example.com" covers one label); a later one replaces. */
int net_tls_context_add_host(net_tls_context *context, const char *host, net_tls_context *other);

/* A new context for the same server: it takes over hosts, ticket keys, and who is asked and told. 0 or
 * -1. */
int net_tls_context_inherit(net_tls_context *context, const net_tls_context *old);

/* Servers: the keys of session tickets as one text: 16 octets of name, of which 4 count, and 32 of key.
 * A key is made anew every half day, and read for a day. */
#define NET_TLS_TICKET_KEYS 48
void net_tls_context_get_ticket_keys(net_tls_context *context, uint8_t keys[NET_TLS_TICKET_KEYS]);
/* 0 or -1. */
int net_tls_context_set_ticket_keys(net_tls_context *context,
                                    const uint8_t keys[NET_TLS_TICKET_KEYS]);

/* The contexts that the clients of one runtime use: a client whose options are equal to those of an
 * earlier one gets that one's. A fixed number is kept, with what was read for them: the key, and whom to
 * trust, be it the system's store, which only a new process is sure to read again. The one not asked for
 * the longest goes first. All zero is empty. */
#define NET_TLS_CONTEXTS 8
typedef struct net_tls_contexts {
    struct net_tls_kept {
        uint8_t digest[32]; /* of the options */
        net_tls_context *context;
    } _kept[NET_TLS_CONTEXTS]; /* the last one asked for first; NULL from some place on */
} net_tls_contexts;
/* A new reference to the client's context for these options; fails as net_tls_context_new does. */
int net_tls_contexts_get(net_tls_contexts *contexts, net_tls_context **out,
                         const net_tls_options *options, net_error *error);
void net_tls_contexts_dispose(net_tls_contexts *contexts);

/* A filter in the role of its context. `servername`: clients, for SNI and for checking the name (an
 * IP address is checked but not sent); NULL for servers. `session`: clients, a blob from
 * net_tls_session, or empty. */
int net_tls_new(net_tls **out, net_tls_context *context, const char *servername,
                bytes_slice session);
void net_tls_free(net_tls *tls);
/* Clients: whether the certificate is the host's is left to somebody else. */
void net_tls_leave_name(net_tls *tls);

/* Servers: what a client asks for. Valid during the call. */
#define NET_TLS_MAX_PROTOCOLS 16
typedef struct net_tls_hello {
    bytes_slice servername;                       /* a host name; empty if none was sent */
    bytes_slice protocols[NET_TLS_MAX_PROTOCOLS]; /* of ALPN */
    size_t protocol_count;
    bytes_slice session_id; /* of the session to be resumed; empty where a ticket names it */
    bool wants_status;      /* RFC 6066 §8: what OCSP says of the certificate */
} net_tls_hello;

/* Has each ClientHello shown to `ask` before it is looked at otherwise: the handshake waits for an
 * answer, which may be given at once, or later and then be told by net_socket_answered. */
void net_tls_context_set_ask(net_tls_context *context,
                             void (*ask)(void *ask_context, net_tls *tls,
                                         const net_tls_hello *hello),
                             void *ask_context);
bool net_tls_is_asking(const net_tls *tls);
/* The answer: whose certificate (NULL: as the hosts say) and which protocol of those offered (NULL: as
 * the context says). 0 or -1. */
int net_tls_answer(net_tls *tls, net_tls_context *rules, const char *protocol);
/* Before the answer: the session with the hello's identifier, as net_tls_made_session gave it. 0 or -1. */
int net_tls_resume(net_tls *tls, bytes_slice session);
/* Before the answer: a session of TLS 1.2 that is made, with an identifier and not with a ticket, is
 * kept. */
void net_tls_keep_session(net_tls *tls);
/* That session once the handshake is over, and its identifier; false if there is none. Valid until it
 * is forgotten, which leaves none. */
bool net_tls_made_session(const net_tls *tls, bytes_slice *id, bytes_slice *session);
void net_tls_forget_session(net_tls *tls);
/* The answer is no, with an alert of RFC 8446 §6.2. */
void net_tls_refuse(net_tls *tls, uint8_t alert);

/* A signature is what a handshake costs most: a server's filter makes one of the `*left` there are, or
 * waits (net_tls_is_queued) to be fed again, with nothing, when there are some. */
void net_tls_share_signatures(net_tls *tls, unsigned *left);
bool net_tls_is_queued(const net_tls *tls);

/* What a step came to. */
typedef enum net_tls_status {
    NET_TLS_OK,    /* done, or as much as could be */
    NET_TLS_END,   /* the peer closed in order (close_notify) */
    NET_TLS_ERROR, /* broken; the alert due is in the output */
    NET_TLS_NOMEM
} net_tls_status;

/* Gives octets from the peer; all are taken (kept where they cannot be used yet) and the handshake
 * goes as far as it can. */
net_tls_status net_tls_feed(net_tls *tls, const uint8_t *data, size_t size, net_error *error);
bool net_tls_is_established(const net_tls *tls);
/* Takes up to `max` octets of plain text; *size is 0 when more input is needed. */
net_tls_status net_tls_read(net_tls *tls, uint8_t *into, size_t max, size_t *size,
                            net_error *error);
/* Encrypts slices from the first on, gathered into full records, until about `max_octets` of output
 * lie; *taken octets are done with. Takes nothing before the handshake is over. */
net_tls_status net_tls_write(net_tls *tls, const bytes_slice *slices, size_t count,
                             size_t max_octets, size_t *taken, net_error *error);
/* Begins the handshake (clients), or queues close_notify. */
net_tls_status net_tls_start(net_tls *tls, net_error *error);
net_tls_status net_tls_close_notify(net_tls *tls);
/* What is to go to the peer, and what of it has gone. */
bytes_slice net_tls_output(const net_tls *tls);
void net_tls_sent(net_tls *tls, size_t octets);

/* Facts for Node's TLSSocket; strings live as long as the filter, "" or NULL where unknown. */
const char *net_tls_alpn(const net_tls *tls);                           /* NULL: none negotiated */
const char *net_tls_protocol(const net_tls *tls);                       /* "TLSv1.2", "TLSv1.3" */
const char *net_tls_cipher(const net_tls *tls, const char **iana_name); /* OpenSSL's name */
const char *net_tls_servername(const net_tls *tls);
/* Servers: whether the handshake was made by the rules that are those of the host, be it a name or an
 * address. */
bool net_tls_serves_host(const net_tls *tls, bytes_slice host);
/* Whether the peer's certificate verified; else `code` ("CERT_HAS_EXPIRED",
 * "DEPTH_ZERO_SELF_SIGNED_CERT", "ERR_TLS_CERT_ALTNAME_INVALID", ...) and a text. */
bool net_tls_is_authorized(const net_tls *tls, const char **code, const char **text);
bool net_tls_is_resumed(const net_tls *tls);
/* The peer's certificate in DER; empty if none. */
bytes_slice net_tls_peer_certificate(const net_tls *tls);
/* Whether version and suite are ones that RFC 9113 §9.2 allows for HTTP/2. */
bool net_tls_is_adequate(const net_tls *tls);
/* A blob to resume with (clients, once a ticket came; else nothing): appended to `out`; 0 or -1. */
int net_tls_session(const net_tls *tls, bytes_buffer *out);
/* Whether there is one that was not asked about before. */
bool net_tls_take_news(net_tls *tls);
/* Lines for NSS key logs are given to `log` as they become known: those of all filters of a context, or
 * of one filter, which tells the context's nothing then. */
void net_tls_context_set_keylog(net_tls_context *context,
                                void (*log)(void *log_context, net_tls *tls, const char *line),
                                void *log_context);
void net_tls_set_keylog(net_tls *tls,
                        void (*log)(void *log_context, net_tls *tls, const char *line),
                        void *log_context);

#endif
