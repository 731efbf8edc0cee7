/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A console: the master of a pty. What it says goes into a ring, which is also the queue of every client: a
 * client has a position in it. The master is always read, so that nothing in the container blocks on it, but
 * for clients that read slowly: as long as the ring is full of what one of them has not taken, the container
 * waits, as on any terminal. One that takes nothing for PATIENCE is left behind: it loses the oldest bytes,
 * and nobody waits for it again until it has caught up.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "controller/controller.h"
#include "util/fd.h"

#define PAGE 4096U
#define DRAIN_MAX (64U << 10)   /* bytes in one turn: other consoles and the daemon come in between */
#define PATIENCE 10000          /* ms that the container waits for a client that takes nothing */
#define QUEUE_SIZE (16U << 10)  /* bytes on the way to a client; behind them it still has the ring */
#define LAST_QUEUE_MORE (256U << 10) /* the same at the end, besides all of the ring twice: what is there already,
                                      * what the terminal still has, and the kernel's own part of each piece */

int
console_prepare (Console *console, const plan_console *plan, int master)
{
    size_t size = plan->ring_size ? plan->ring_size : CONSOLE_RING_DEFAULT;
    size_t path_size = strlen (plan->log_path) + 1;
    struct stat st;
    char *memory;

    size = (size + PAGE - 1) / PAGE * PAGE;
    /* the log's path lies behind the ring: one mapping, and no heap */
    memory = mmap (NULL, size + path_size, PROT_READ | PROT_WRITE,
                   MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED)
        return -1;
    memset (console, 0, sizeof *console);
    console->master = master;
    console->ring = memory;
    console->size = size;
    console->log_fd = plan->log_fd;
    console->log_max = plan->log_max ? plan->log_max : CONSOLE_LOG_DEFAULT;
    if (plan->log_fd >= 0) {
        console->log_path = memory + size;
        memcpy (console->log_path, plan->log_path, path_size);
        if (fstat (plan->log_fd, &st) == 0)
            console->log_size = (uint64_t) st.st_size;
    }
    for (unsigned i = 0; i < CONSOLE_CLIENTS_MAX; i++)
        console->clients[i].fd = -1;
    return fcntl (master, F_SETFL, O_RDWR | O_NONBLOCK);
}

/* Full: the log becomes the one old copy, and a new one begins. */
static void
log_turn (Console *console)
{
    char old[4100];
    int fd;

    snprintf (old, sizeof old, "%s.0", console->log_path);
    if (rename (console->log_path, old) == 0) {
        fd = open (console->log_path,
                   O_WRONLY | O_CREAT | O_EXCL | O_APPEND | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd >= 0) {
            close (console->log_fd);
            console->log_fd = fd;
            console->log_size = 0;
            return;
        }
    }
    /* no room for two: begin again in place, so that the bound holds in any case */
    if (ftruncate (console->log_fd, 0) == 0)
        console->log_size = 0;
}

static void
log_write (Console *console, const char *data, size_t size)
{
    if (console->log_fd < 0)
        return;
    /* more at once than a whole log: the end of it */
    if (size > console->log_max) {
        data += size - (size_t) console->log_max;
        size = (size_t) console->log_max;
    }
    if (console->log_size + size > console->log_max)
        log_turn (console);
    /* a full disk costs the log, not the console */
    if (console->log_size + size <= console->log_max
        && fd_write_all (console->log_fd, data, size) == 0)
        console->log_size += size;
}

static void
client_watch (Controller *c, unsigned index, unsigned slot, uint32_t events)
{
    ConsoleClient *client = &c->consoles[index].clients[slot];

    if (client->events == events)
        return;
    client->events = events;
    (void) supervise_watch (c, client->fd, EVENT_CLIENT, index * CONSOLE_CLIENTS_MAX + slot, events,
                            true);
}

static void
queue_resize (int fd, size_t wanted)
{
    int size = wanted < INT_MAX ? (int) wanted : INT_MAX;

    if (fd >= 0 && setsockopt (fd, SOL_SOCKET, SO_SNDBUFFORCE, &size, sizeof size) < 0)
        (void) setsockopt (fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);  /* as much as the host allows */
}

static void
client_drop (Console *console, unsigned slot)
{
    fd_close (&console->clients[slot].fd);
}

/* Sends what the client has not seen yet; asks for EPOLLOUT while something remains. */
static void
client_flush (Controller *c, unsigned index, unsigned slot)
{
    Console *console = &c->consoles[index];
    ConsoleClient *client = &console->clients[slot];
    uint64_t before;
    uint32_t events;

    if (client->fd < 0)
        return;
    if (console->head - client->position > console->size)
        client->position = console->head - console->size;
    before = client->position;
    while (client->position < console->head) {
        size_t offset = (size_t) (client->position % console->size);
        size_t length = console->size - offset;
        ssize_t n;

        if (length > console->head - client->position)
            length = (size_t) (console->head - client->position);
        /* the kernel counts a piece until all of it has been read: by small ones a slow reader is seen to read */
        if (length > PAGE)
            length = PAGE;
        n = send (client->fd, console->ring + offset, length, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0 && errno != EAGAIN) {
            client_drop (console, slot);
            return;
        }
        if (n < 0)
            break;
        client->position += (uint64_t) n;
    }
    if (client->position != before)
        client->moved = clock_ms ();
    if (client->position == console->head)
        client->left_behind = false;
    events = client->position < console->head ? EPOLLOUT : 0;
    /* with input still waiting for the terminal, more of it is not asked for */
    if (console->input_length == 0)
        events |= EPOLLIN;
    client_watch (c, index, slot, events);
}

static void
flush_all (Controller *c, unsigned index)
{
    for (unsigned slot = 0; slot < CONSOLE_CLIENTS_MAX; slot++)
        client_flush (c, index, slot);
}

/* What can be read without a client losing bytes that somebody waits for it to take. */
static size_t
ring_room (const Console *console)
{
    uint64_t behind = 0;

    for (unsigned slot = 0; slot < CONSOLE_CLIENTS_MAX; slot++) {
        const ConsoleClient *client = &console->clients[slot];

        if (client->fd >= 0 && !client->left_behind && console->head - client->position > behind)
            behind = console->head - client->position;
    }
    return console->size - (size_t) behind;
}

void
console_drain (Controller *c, unsigned index)
{
    Console *console = &c->consoles[index];
    size_t taken = 0, room = 0;

    while (taken < DRAIN_MAX && (room = ring_room (console)) > 0) {
        size_t offset = (size_t) (console->head % console->size);
        size_t length = console->size - offset < room ? console->size - offset : room;
        ssize_t n = read (console->master, console->ring + offset, length);

        if (n < 0 && errno == EINTR)
            continue;
        /* EAGAIN: empty. EIO: no process has the terminal open; the next opener's first byte is a
         * new edge for epoll, so a getty may come and go without a busy loop here. */
        if (n <= 0)
            break;
        log_write (console, console->ring + offset, (size_t) n);
        console->head += (uint64_t) n;
        taken += (size_t) n;
    }
    if (taken > 0)
        flush_all (c, index);
    /* stopped for want of room: a client that takes something, or console_tick(), goes on */
    console->held = room == 0 && ring_room (console) == 0;
    console->more = !console->held && (taken >= DRAIN_MAX || room == 0);
}

/* It is why the container waits. */
static bool
client_holds (const Console *console, const ConsoleClient *client)
{
    return client->fd >= 0 && !client->left_behind && console->head - client->position >= console->size;
}

void
console_tick (Console *console, uint64_t now)
{
    if (!console->held)
        return;
    for (unsigned slot = 0; slot < CONSOLE_CLIENTS_MAX; slot++) {
        ConsoleClient *client = &console->clients[slot];

        if (client_holds (console, client) && now >= client->moved + PATIENCE)
            client->left_behind = true;
    }
    console->more = ring_room (console) > 0;
    console->held = !console->more;
}

int
console_timeout (const Console *console, uint64_t now)
{
    uint64_t until = now + PATIENCE;

    if (console->more)
        return 0;
    if (!console->held)
        return -1;
    for (unsigned slot = 0; slot < CONSOLE_CLIENTS_MAX; slot++) {
        const ConsoleClient *client = &console->clients[slot];

        if (client_holds (console, client) && client->moved + PATIENCE < until)
            until = client->moved + PATIENCE;
    }
    return until > now ? (int) (until - now) : 0;
}

static void
input_flush (Controller *c, unsigned index)
{
    Console *console = &c->consoles[index];
    ssize_t n;

    if (console->input_length == 0)
        return;
    n = write (console->master, console->input, console->input_length);
    if (n < 0 && (errno == EAGAIN || errno == EINTR))
        n = 0;
    /* EIO: nobody is there to read it */
    if (n < 0)
        n = console->input_length;
    console->input_length -= (unsigned) n;
    memmove (console->input, console->input + n, console->input_length);
    if (console->input_length == 0)
        flush_all (c, index);
}

void
console_master_event (Controller *c, unsigned index, uint32_t events)
{
    if (events & EPOLLOUT)
        input_flush (c, index);
    console_drain (c, index);
}

void
console_client_event (Controller *c, unsigned index, unsigned slot, uint32_t events)
{
    Console *console = &c->consoles[index];
    ConsoleClient *client = &console->clients[slot];

    if (client->fd < 0)
        return;
    if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) && console->input_length == 0) {
        ssize_t n = recv (client->fd, console->input, sizeof console->input, MSG_DONTWAIT);

        if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR)) {
            client_drop (console, slot);
            return;
        }
        console->input_length = n > 0 ? (unsigned) n : 0;
        input_flush (c, index);
    } else if (events & (EPOLLHUP | EPOLLERR)) {
        client_drop (console, slot);
        return;
    }
    client_flush (c, index, slot);
}

/* Where a replay begins: the oldest byte, but not in the middle of a line or an escape sequence. */
static uint64_t
replay_start (const Console *console)
{
    uint64_t start;

    if (console->head <= console->size)
        return 0;
    start = console->head - console->size;
    for (uint64_t at = start; at < console->head; at++) {
        if (console->ring[at % console->size] == '\n')
            return at + 1;
    }
    return start;
}

int
console_attach (Controller *c, unsigned index, int fd, uint32_t flags)
{
    Console *console;
    int slot = -1;

    errno = ENODEV;
    if (index >= c->n_consoles)
        return -1;
    console = &c->consoles[index];
    for (int i = 0; i < CONSOLE_CLIENTS_MAX; i++) {
        if (console->clients[i].fd >= 0 && (flags & MONITOR_CONSOLE_FORCE))
            client_drop (console, (unsigned) i);
        errno = EBUSY;
        if (console->clients[i].fd >= 0 && (flags & MONITOR_CONSOLE_SAFE))
            return -1;
        if (console->clients[i].fd < 0 && slot < 0)
            slot = i;
    }
    if (slot < 0)
        return -1;
    if (supervise_watch (c, fd, EVENT_CLIENT, index * CONSOLE_CLIENTS_MAX + (unsigned) slot,
                         EPOLLIN, false) < 0)
        return -1;
    queue_resize (fd, QUEUE_SIZE);
    console->clients[slot] = (ConsoleClient) {
        .fd = fd, .position = replay_start (console), .events = EPOLLIN, .moved = clock_ms (),
    };
    client_flush (c, index, (unsigned) slot);
    return 0;
}

/* Nobody is waited for at the end: the sockets, made larger, take what the ring still has for their readers. */
void
console_finish (Controller *c, unsigned index)
{
    Console *console = &c->consoles[index];

    for (unsigned slot = 0; slot < CONSOLE_CLIENTS_MAX; slot++)
        queue_resize (console->clients[slot].fd, 2 * console->size + LAST_QUEUE_MORE);
    flush_all (c, index);
    do {
        console_drain (c, index);
        /* more than fits: the log gets it */
        for (unsigned slot = 0; console->held && slot < CONSOLE_CLIENTS_MAX; slot++)
            console->clients[slot].left_behind = true;
    } while (console->more || console->held);
    for (unsigned slot = 0; slot < CONSOLE_CLIENTS_MAX; slot++)
        client_drop (console, slot);
    fd_close (&console->master);
    fd_close (&console->log_fd);
}
