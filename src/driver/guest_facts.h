/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What a running container knows of itself, asked by skep-helper inside its namespaces. All of it is the
 * guest's own word: texts are bounded and cleaned, and nothing here follows from them.
 */
#pragma once

#include <sys/types.h>

#include "driver/domains.h"

typedef struct {
    char *name;                 /* eth0 */
    char *mac;                  /* or NULL */
    GArray *addresses;          /* of GuestAddress */
} GuestInterface;

typedef struct {
    gboolean ipv6;
    char text[46];
    guint prefix;
} GuestAddress;

typedef struct {
    char name[33];
    guint64 login_ms;
} GuestUser;

typedef struct {
    char *mountpoint, *source, *fstype;
    dev_t device;
    gboolean sized;
    guint64 total, used;        /* bytes */
} GuestMount;

typedef struct {
    char *hostname;             /* each NULL when it was not asked for or is not known */
    char *timezone;             /* Europe/Berlin */
    GPtrArray *interfaces;      /* of GuestInterface */
    GHashTable *os;             /* os-release: ID -> debian */
    GArray *users;              /* of GuestUser */
    GPtrArray *mounts;          /* of GuestMount, without the kernel's own file systems */
} GuestFacts;

/* @facts is NULL with an error; both belong to the caller of done(). */
typedef void (*GuestFactsDone) (const GuestFacts *facts, const GError *error, gpointer data);

/* @what: letters of FACT_*. ERR_OPERATION_INVALID when the domain does not run; then @done is not
 * called. */
gboolean guest_facts_ask (const Domain *domain, const char *what, GuestFactsDone done, gpointer data,
                          GError **error);

/* Facts from elsewhere: the host's leases and neighbours. */
GuestFacts *guest_facts_new (void);
void guest_facts_add_address (GuestFacts *facts, const char *interface, const char *mac, gboolean ipv6,
                              const char *address, guint prefix);

/* For tests: the sections that the helper writes. */
GuestFacts *guest_facts_parse (const char *sections, gsize size);
void guest_facts_free (GuestFacts *facts);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (GuestFacts, guest_facts_free)
