/* A network path between two network namespaces that takes its time: what goes in at one end comes out
 * at the other after so many milliseconds, in order and complete. Made of two tun devices, so that it
 * works on kernels which have no netem; the packets are as large as the kernel makes them.
 * Usage: delay_link NAMESPACE NAMESPACE ONE_WAY_MS
 * Makes a device `delay` in each, and prints "ready" when they are there. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <poll.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define MAX_PACKET_OCTETS 66000 /* with the header that says how it is to be cut */
#define MAX_PACKETS 65536u      /* on the way in one direction; what is over is lost */
#define MAX_OCTETS ((size_t)256 << 20)

typedef struct packet {
    uint64_t due_ns;
    size_t size;
    uint8_t *octets;
} packet;

typedef struct direction {
    int from, to;
    packet packets[MAX_PACKETS]; /* a ring */
    uint32_t first, count;
    size_t octets;
} direction;

static uint64_t delay_ns;

static void fail(const char *what) {
    perror(what);
    exit(EXIT_FAILURE);
}

static uint64_t now_ns(void) {
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
}

/* The device stays in its namespace; the descriptor works from anywhere. */
static int open_device(const char *namespace) {
    char path[256];
    struct ifreq request = {.ifr_name = "delay"};
    request.ifr_flags = IFF_TUN | IFF_NO_PI | IFF_VNET_HDR;
    snprintf(path, sizeof(path), "/var/run/netns/%s", namespace);
    int place = open(path, O_RDONLY | O_CLOEXEC);
    if (place < 0 || setns(place, CLONE_NEWNET) != 0)
        fail(path);
    close(place);
    int device = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (device < 0 || ioctl(device, TUNSETIFF, &request) != 0 ||
        ioctl(device, TUNSETOFFLOAD, TUN_F_CSUM | TUN_F_TSO4) != 0)
        fail("/dev/net/tun");
    return device;
}

/* Takes what the kernel sends at one end. */
static void collect(direction *way) {
    static uint8_t octets[MAX_PACKET_OCTETS];
    ssize_t size;
    while ((size = read(way->from, octets, sizeof(octets))) > 0) {
        if (way->count == MAX_PACKETS || way->octets + (size_t)size > MAX_OCTETS)
            continue;
        packet *last = &way->packets[(way->first + way->count++) % MAX_PACKETS];
        last->due_ns = now_ns() + delay_ns;
        last->size = (size_t)size;
        last->octets = malloc(last->size);
        if (!last->octets)
            fail("malloc");
        memcpy(last->octets, octets, last->size);
        way->octets += last->size;
    }
    if (size < 0 && errno != EAGAIN && errno != EIO) /* EIO: the device is not up yet */
        fail("read");
}

/* Gives what is due to the kernel at the other end. The time until the next is, UINT64_MAX for none. */
static uint64_t deliver(direction *way) {
    uint64_t now = now_ns();
    while (way->count > 0) {
        packet *first = &way->packets[way->first];
        if (first->due_ns > now)
            return first->due_ns - now;
        if (write(way->to, first->octets, first->size) < 0 && errno != EIO)
            fail("write");
        free(first->octets);
        way->octets -= first->size;
        way->first = (way->first + 1) % MAX_PACKETS;
        way->count--;
    }
    return UINT64_MAX;
}

int main(int argc, char **argv) {
    static direction there, back;
    if (argc != 4) {
        fprintf(stderr, "usage: delay_link NAMESPACE NAMESPACE ONE_WAY_MS\n");
        return EXIT_FAILURE;
    }
    delay_ns = strtoul(argv[3], NULL, 10) * 1000000u;
    there.from = back.to = open_device(argv[1]);
    there.to = back.from = open_device(argv[2]);
    puts("ready");
    fflush(stdout);

    struct pollfd ends[] = {{.fd = there.from, .events = POLLIN},
                            {.fd = back.from, .events = POLLIN}};
    for (;;) {
        collect(&there);
        collect(&back);
        uint64_t next = deliver(&there), other = deliver(&back);
        next = other < next ? other : next;
        struct timespec wait = {(time_t)(next / 1000000000u), (long)(next % 1000000000u)};
        if (ppoll(ends, 2, next == UINT64_MAX ? NULL : &wait, NULL) < 0 && errno != EINTR)
            fail("ppoll");
    }
}
