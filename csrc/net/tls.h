/* The insides of TLS by mbedTLS, 2.28 and 3.x: a context's and a filter's struct, and what the
 * tls_*.c files give each other. */
#ifndef NET_TLS_H
#define NET_TLS_H

#define MBEDTLS_ALLOW_PRIVATE_ACCESS /* 3.x: the state of a handshake has no getter */

#include <mbedtls/ctr_drbg.h>
#include <mbedtls/entropy.h>
#include <mbedtls/ssl.h>
#include <mbedtls/ssl_ticket.h>
#include <mbedtls/version.h>
#include <sys/types.h>

#include "base/list.h"
#include "net/net.h"

#define TLS_IS_3 (MBEDTLS_VERSION_NUMBER >= 0x03000000)

#if defined(MBEDTLS_SSL_PROTO_TLS1_3) && TLS_IS_3
#define TLS_HAS_1_3 1
#else
#define TLS_HAS_1_3 0
#endif

#define TLS_VERSION_1_2 0x0303
#define TLS_VERSION_1_3 0x0304

/* ----------------------------------------------------------------------------------- errors */

/* Fills a net_error; number 0. */
void tls_error_set(net_error *error, const char *code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* `what` of the options cannot be used, for mbedTLS's reason. */
void tls_error_refuse(net_error *error, const char *code, const char *what, int result);
/* What mbedTLS's result means, with the alert that was sent or received if there was one. */
void tls_error_describe(net_error *error, int result, const net_tls *tls);

/* -------------------------------------------------------------------------------- randomness */

/* A generator that seeds itself again in a forked child. */
typedef struct tls_random {
    mbedtls_entropy_context entropy;
    mbedtls_ctr_drbg_context generator;
    pid_t pid;
} tls_random;

int tls_random_init(tls_random *random); /* 0 or mbedTLS's error; disposable either way */
void tls_random_dispose(tls_random *random);
/* For mbedTLS's f_rng; `random` is a tls_random. */
int tls_random_octets(void *random, unsigned char *into, size_t size);

/* ------------------------------------------------------------------------------------ suites */

/* The suites that `list` names (OpenSSL's or IANA's names with ':'; NULL: the defaults), as mbedTLS
 * wants them: identifiers, 0 at the end. NULL with *error filled, or for want of memory with
 * error->code "ENOMEM". */
int *tls_suites_parse(const char *list, bool is_h2_strict, net_error *error);
/* Whether RFC 9113 §9.2.2 leaves the suite to HTTP/2. */
bool tls_suite_is_adequate(int id);
/* OpenSSL's and IANA's names. */
const char *tls_suite_name(int id, const char **iana_name);

/* -------------------------------------------------------------------------------- parameters */

/* Groups and signatures as mbedTLS numbers them, and how many we have names for. */
#if TLS_IS_3
typedef uint16_t tls_group;
typedef uint16_t tls_scheme;
#else
typedef mbedtls_ecp_group_id tls_group;
typedef int tls_scheme;
#endif
#define TLS_GROUP_COUNT 15
#define TLS_SCHEME_COUNT 18

/* Sets what the options say of groups, signatures and finite fields, once the suites are known; false
 * with *error filled. No renegotiation (RFC 9113 §9.2.1). */
bool tls_parameters_set(net_tls_context *context, const net_tls_options *options, net_error *error);

/* ------------------------------------------------------------------------------ verification */

/* What the verification of the peer's certificate saw. */
typedef struct tls_chain {
    bool is_seen;       /* a certificate was verified: no resumed session */
    bool is_leaf_alone; /* and no other was found to go with it */
    bool is_top_self_issued;
} tls_chain;

/* For mbedtls_ssl_set_verify, with a net_tls: keeps the facts, and checks an address, which mbedTLS
 * 2.28 cannot. */
int tls_verify_certificate(void *tls, mbedtls_x509_crt *certificate, int depth, uint32_t *flags);
/* MBEDTLS_X509_BADCERT_* and so on, of this handshake or of the one whose session is resumed. */
uint32_t tls_verify_result(const net_tls *tls);
/* Node's code and a text for what verification found; NULL, NULL where all is well. */
void tls_verify_describe(uint32_t flags, const tls_chain *chain, const char **code,
                         const char **text);
/* Adds the system's trusted certificates, if it has any. */
void tls_trust_load_system(mbedtls_x509_crt *trusted);

/* ----------------------------------------------------------------------------------- context */

struct net_tls_context {
    size_t references;
    bool is_server;
    bool request_cert;
    bool reject_unauthorized;
    bool has_own_ca;
    bool has_trust; /* `ca` is ready: ours, or the system's once it was needed */
    mbedtls_ssl_config config;
    tls_random random;
    mbedtls_x509_crt cert;
    mbedtls_pk_context key;
    mbedtls_x509_crt ca;
    mbedtls_x509_crl crl;
    mbedtls_ssl_ticket_context tickets;
    uint8_t ticket_keys[NET_TLS_TICKET_KEYS]; /* the one that makes tickets */
    time_t tickets_made_s;
    bool has_given_keys; /* of the program, who also changes them */
    int *suites;
    tls_group groups[TLS_GROUP_COUNT + 1]; /* 0 at the end, as in the next */
    tls_scheme schemes[TLS_SCHEME_COUNT + 1];
    char **alpn;     /* NULL at the end; one block with the texts */
    list_node hosts; /* of tls_host */
    void (*log)(void *log_context, net_tls *tls, const char *line);
    void *log_context;
    void (*ask)(void *ask_context, net_tls *tls, const net_tls_hello *hello);
    void *ask_context;
    net_tls *stepping; /* whose handshake is at work: 2.28 does not tell the key log */
};

/* The authentication mode of mbedTLS that the rules come to. */
int tls_context_authentication(const net_tls_context *context);
/* mbedTLS takes PEM with its terminator and DER without: a copy that has one, and the size to give. NULL
 * with *error filled. */
char *tls_text_copy(bytes_slice octets, size_t *size, net_error *error);
/* Reads key and certificate, and whom to trust, from the options; false with *error filled. */
bool tls_identity_read(net_tls_context *context, const net_tls_options *options, net_error *error);
bool tls_trust_read(net_tls_context *context, const net_tls_options *options, net_error *error);
/* Makes sure that there is something to verify against. */
void tls_trust_prepare(net_tls_context *context);
/* Chooses the certificate by the name the client asks for; for mbedtls_ssl_conf_sni. */
int tls_hosts_choose(void *context, mbedtls_ssl_context *ssl, const unsigned char *name,
                     size_t size);
void tls_hosts_dispose(net_tls_context *context);
/* 0 or -1. */
int tls_hosts_copy(net_tls_context *context, const net_tls_context *from);

/* Has a server give tickets, or a client take them. False with *error filled. */
bool tls_tickets_setup(net_tls_context *context, bool is_on, net_error *error);
/* Takes over the keys of another server's context. 0 or -1. */
int tls_tickets_copy(net_tls_context *context, const net_tls_context *from);

/* Has the sessions of a server be found and kept where its filters say. */
void tls_cache_setup(net_tls_context *context);

/* ------------------------------------------------------------------------------------ filter */

/* Our own verdict on a peer's records. */
typedef struct tls_junk {
    const char *code;
    const char *text;
} tls_junk;

enum { TLS_HELLO_AWAITED, TLS_HELLO_ASKED, TLS_HELLO_ANSWERED };

/* A copy of the context's configuration, with one protocol of its own. */
typedef struct tls_own_config {
    mbedtls_ssl_config config;
    const char *protocols[2];
    char protocol[];
} tls_own_config;

struct net_tls {
    mbedtls_ssl_context ssl;
    net_tls_context *context;
    net_tls_context *rules; /* of the host the client asked for; else the context */
    void (*log)(void *log_context, net_tls *tls, const char *line); /* NULL: the context's */
    void *log_context;
    char *servername;   /* NULL: none */
    bytes_buffer input; /* not looked at by mbedTLS yet */
    size_t input_offset;
    bytes_buffer output;
    size_t output_offset;
    uint64_t received;     /* octets of the wire since the start, */
    uint64_t plain;        /* and plain ones that came of them */
    unsigned idle_records; /* in a row without plain text */
    uint8_t record_header[5];
    uint8_t record_header_size;
    uint16_t record_left;
    bool is_clear_alert;    /* the record under way is one, not encrypted */
    uint8_t alert_received; /* in the clear; 0: none */
    uint8_t alert_sent;     /* 0: none; close_notify does not count */
    tls_chain chain;
    uint32_t session_flags; /* what was found when the session offered was made */
    const tls_junk *junk;   /* NULL: none */
    net_tls_context *given; /* rules that the program has chosen; NULL: by the host */
    tls_own_config *own_config;
    bytes_buffer session; /* servers: to be resumed, or, with an identifier, made */
    uint8_t session_id[32];
    size_t session_id_size;
    bool keeps_session;
    uint8_t hello;
    unsigned *signatures; /* left for now, to all filters of the loop; NULL: no limit */
    int result;           /* of mbedTLS, that ended the connection; 0 while it stands */
    bool is_established;
    bool has_news;          /* a session, or a ticket for one, has come */
    bool is_address;        /* servername is one */
    bool is_name_unchecked; /* net_tls_leave_name */
    bool is_full;           /* the handshake went over a certificate */
    bool is_queued;         /* for a signature */
    bool has_signed;
    bool is_out_of_memory;
};

/* Shows the ClientHello in the input to whoever wants to choose by it; true until there is an answer. */
bool tls_hello_is_waiting(net_tls *tls);
/* RFC 6066 §3: a DNS host name, in ASCII. */
bool tls_is_host_name(bytes_slice name);

/* Has the secrets of a context's filters, and of a new filter, told to the key log. */
void tls_keylog_setup(net_tls_context *context);
void tls_keylog_attach(net_tls *tls);
/* Offers the session of a blob from net_tls_session, if it is one for this host. */
void tls_session_restore(net_tls *tls, bytes_slice blob);

#endif
