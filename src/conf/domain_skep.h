/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * <skep:container>: what a container can have and libvirt's domain XML has no word for. An element of
 * our own namespace at the end of <domain>; docs/migrate.md lists it, schemas/domain-skep.rng is its
 * schema. All of it takes effect at the next start; what is not honoured yet is refused by name when
 * a domain is defined (domain_skep_check.c).
 */
#pragma once

#include <glib.h>

#include "util/strtab.h"

/* Declared with the prefix "skep:". */
#define SKEP_NAMESPACE "urn:skep:domain:1"

typedef enum { SKEP_SIGNAL_HALT, SKEP_SIGNAL_REBOOT, SKEP_SIGNAL_LAST } SkepSignal;

#define RLIMIT_NAMES_LAST 16            /* the kernel's RLIMIT_*, 0 to 15 */
#define SKEP_UNLIMITED G_MAXUINT64      /* written "unlimited" */
#define SKEP_DELAY_MAX 3600             /* of autostart, seconds */
extern const StringTable rlimit_names;  /* "cpu", "fsize", ...; index is the kernel's number */

typedef struct {
    guint resource;             /* RLIMIT_* */
    guint64 soft, hard;
} SkepRlimit;

typedef enum {
    SECCOMP_DEFAULT,            /* security/seccomp.h */
    SECCOMP_OFF,
    SECCOMP_FILE,               /* a policy in LXC's syntax, read at each start */
    SECCOMP_LAST
} SkepSeccomp;

/* When a hook runs, in the order of a life. */
typedef enum {
    SKEP_HOOK_PRE_START,        /* before anything is made; a failure refuses the start */
    SKEP_HOOK_PRE_MOUNT,        /* from here on: not yet */
    SKEP_HOOK_MOUNT,
    SKEP_HOOK_AUTODEV,
    SKEP_HOOK_START_HOST,       /* all is made, init does not run yet; as above */
    SKEP_HOOK_START,            /* not yet: inside the container */
    SKEP_HOOK_STOP,             /* not yet */
    SKEP_HOOK_POST_STOP,        /* everything is gone; a failure is logged */
    SKEP_HOOK_CLONE,            /* not yet */
    SKEP_HOOK_DESTROY,          /* not yet */
    SKEP_HOOK_LAST
} SkepHookOn;
extern const StringTable skep_hook_names;

typedef struct {
    guint on;                   /* SkepHookOn */
    char *command;              /* for /bin/sh; NAME lxc WHEN are added */
} SkepHook;

/* A mount that <filesystem> has no words for. */
typedef struct {
    char *source;               /* absolute; of a new file system any text */
    char *target;               /* absolute inside the container */
    char *type;                 /* none (a bind), tmpfs, ... */
    char *options;              /* as in fstab: conf/fstab.h; NULL: none */
} SkepMount;

/* Whether such a mount can be; domain_skep_check.c. */
gboolean skep_mount_check (const SkepMount *mount, GError **error);

/* A rule of the device cgroup: allowed besides what every container and its devices have. */
typedef struct {
    char *type;                 /* c, b */
    char *major, *minor;        /* number or "*" */
    char *access;               /* of r, w, m */
} SkepDevice;

typedef struct {
    char *overlay_upper, *overlay_work; /* the root is an overlay upon the <filesystem> of "/"; or NULL */
    char *hostname;             /* NULL: from the domain's name */
    guint signals[SKEP_SIGNAL_LAST];    /* 0: the way that init's kind is halted */
    gboolean autostart_set;
    guint order, delay;         /* lower starts earlier; seconds before the next one */
    GPtrArray *groups;          /* of char * */
    GPtrArray *env;             /* of NameValue; a value may be empty, which <initenv> cannot say */
    GPtrArray *rlimits;         /* of SkepRlimit */
    guint64 tasks_max;          /* processes and threads; 0: the daemon's default */
    gboolean oom_set;
    int oom_score_adj;          /* -1000..1000 */
    GPtrArray *sysctls;         /* of NameValue */
    gboolean seccomp_set;
    guint seccomp;              /* SkepSeccomp */
    char *seccomp_file;
    gboolean no_new_privs;
    GPtrArray *devices;         /* of SkepDevice */
    GPtrArray *mounts;          /* of SkepMount, after all <filesystem>s */
    GPtrArray *hooks;           /* of SkepHook */
} DomainSkep;

DomainSkep *domain_skep_new (void);     /* every array exists */
void domain_skep_free (DomainSkep *skep);
/* Nothing is said: such an element need not be written. */
gboolean domain_skep_empty (const DomainSkep *skep);

/* "net.ipv4.conf.eth0/1.forwarding" -> "net/ipv4/conf/eth0.1/forwarding", as sysctl(8) does. The
 * caller frees. */
char *sysctl_path (const char *key);
