/* Why the transport failed. */
#ifndef NET_ERROR_H
#define NET_ERROR_H

/* In the terms of Node's error objects. */
typedef struct net_error {
    char code[48];       /* "ECONNREFUSED", "ENOTFOUND", "ERR_SSL_NO_APPLICATION_PROTOCOL" ... */
    int number;          /* libuv's negative errno, or mbedTLS's code; 0 where there is none */
    const char *syscall; /* "connect", "getaddrinfo", "bind", "listen", "read", "write", "tls" */
    char address[64];    /* the peer's or the wanted address, host or path; "" if not known */
    int port;            /* -1 if none */
    char text[192];      /* for people, one line */
} net_error;

/* Fills an error from libuv's status. `address` may be NULL. */
void net_error_from_uv(net_error *error, int status, const char *syscall, const char *address,
                       int port);

#endif
