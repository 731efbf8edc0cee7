/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Between the files of the reader of native configurations. */
#pragma once

#include "conf/domain_codec.h"
#include "conf/native.h"
#include "util/error.h"

typedef struct {
    const char *file;           /* NULL: the configuration itself; lives in Native.files */
    guint number;
    char *key;                  /* as written */
    char *value;                /* without quotes and blanks around; "" clears */
    const char *rest;           /* of a key of a family, what follows the row's name; else "" */
} NativeLine;

typedef struct Native Native;

typedef struct {
    const char *name;           /* as LXC 4 has it; ends in '.': a family of keys */
    const char *old;            /* names that mean the same, separated by blanks; NULL: none */
    void (*take) (Native *n, const NativeLine *line);   /* NULL: not converted */
    const char *reason;         /* without take */
} NativeRow;

extern const NativeRow native_rows[];       /* ends with name NULL */

/* Keys of a network device; native_net.c has their names. */
typedef enum {
    NIC_TYPE, NIC_LINK, NIC_FLAGS, NIC_HWADDR, NIC_MTU, NIC_NAME, NIC_IPV4, NIC_IPV6, NIC_GATEWAY4,
    NIC_GATEWAY6, NIC_PAIR, NIC_MODE, NIC_VLAN, NIC_TAGGED, NIC_ROUTE4, NIC_ROUTE6, NIC_MACVLAN,
    NIC_VLAN_ID, NIC_SCRIPT_UP, NIC_SCRIPT_DOWN, NIC_L2PROXY, NIC_IPVLAN, NIC_ISOLATION, NIC_RX, NIC_TX,
    NIC_LAST
} NicKey;

typedef struct {
    guint index;
    GPtrArray *lines[NIC_LAST]; /* of const NativeLine *; NULL: none */
} NativeNic;

typedef struct {
    const NativeLine *line;     /* lxc.mount.entry, or of an fstab: key "lxc.mount.fstab" */
    char *text;
} NativeMount;

struct Native {
    const NativeHost *host;
    const DomainDefaults *defaults;
    DomainDef *def;
    DomainSkep *skep;           /* def->skep */
    GPtrArray *notes;           /* of NativeNote */
    GPtrArray *lines;           /* of NativeLine, all that were read */
    GPtrArray *files;           /* of char *, their names */
    guint depth;                /* of includes */
    gboolean unread;            /* an include could not be read */
    GPtrArray *nics;            /* of NativeNic */
    gboolean net_host;          /* type none, or a kept namespace */
    GPtrArray *mounts;          /* of NativeMount */
    const NativeLine *fstab, *rootfs, *backend, *init, *execute, *halt;
    gboolean readonly_root;
    const NativeLine *start_auto;
    const NativeLine *apparmor, *selinux;       /* labels; NULL: Skep's default */
    const NativeLine *last_label;               /* the later one */
    guint64 cap_drop, cap_keep; /* bit N is capability N */
    gboolean caps_seen, keep_seen;
    guint64 memory, swap_max;   /* bytes; 0: none. swap_max: besides memory */
    gboolean unlimited;         /* said in so many words */
    gboolean swap_max_set;
    guint ttys;
    char *console_log;
    GPtrArray *sysctls;         /* of const NativeLine * */
    GError *error;              /* the first; everything after it does nothing */
};

/* @line was not converted. */
void native_note (Native *n, const NativeLine *line, const char *format, ...) G_GNUC_PRINTF (3, 4);
/* The conversion fails, with the line's place and key before the text. */
void native_fail (Native *n, const NativeLine *line, ErrorCode code, const char *format, ...)
    G_GNUC_PRINTF (4, 5);
NativeNote *native_note_new (const char *file, guint line, const char *key, char *reason);
void native_note_free (gpointer note);

/* native_lines.c: appends the lines of @text. */
void native_lines (Native *n, const char *file, const char *text, gsize length);
void native_take_include (Native *n, const NativeLine *line);

/* A whole number, as C writes it: 010 is 8; fails otherwise. */
gboolean native_number (Native *n, const NativeLine *line, const char *text, guint64 max, guint64 *ret);
/* "512M" in bytes; "-1", "max" and as many as the kernel shows for no limit: SKEP_UNLIMITED. */
gboolean native_size (Native *n, const NativeLine *line, const char *text, guint64 *ret);

/* What the default policy drops: bit N is capability N; security/capset.c. */
#define NATIVE_DEFAULT_DROPS                                                                       \
    (G_GUINT64_CONSTANT (1) << 16 | G_GUINT64_CONSTANT (1) << 25 | G_GUINT64_CONSTANT (1) << 27           \
     | G_GUINT64_CONSTANT (1) << 30 | G_GUINT64_CONSTANT (1) << 33 | G_GUINT64_CONSTANT (1) << 37)

/* native_keys.c: the empty value is NULL; a switch that is only worth a word when it is on. */
void native_replace (char **member, const char *value);
gboolean native_is_on (Native *n, const NativeLine *line);

/* native_init.c */
void native_finish_init (Native *n);

/* native_privileges.c */
void native_take_apparmor (Native *n, const NativeLine *line);
void native_finish_label (Native *n);
void native_take_cap_drop (Native *n, const NativeLine *line);
void native_take_cap_keep (Native *n, const NativeLine *line);
void native_take_hook (Native *n, const NativeLine *line);
void native_take_hook_clear (Native *n, const NativeLine *line);
void native_take_idmap (Native *n, const NativeLine *line);
void native_take_namespace_clone (Native *n, const NativeLine *line);
void native_take_namespace_keep (Native *n, const NativeLine *line);
void native_take_no_new_privs (Native *n, const NativeLine *line);
void native_take_prlimit (Native *n, const NativeLine *line);
void native_take_proc (Native *n, const NativeLine *line);
void native_take_seccomp (Native *n, const NativeLine *line);
void native_take_selinux (Native *n, const NativeLine *line);
void native_take_share (Native *n, const NativeLine *line);
void native_take_sysctl (Native *n, const NativeLine *line);

/* Families and what has a file of its own. */
void native_take_net (Native *n, const NativeLine *line);           /* native_net.c */
void native_take_network (Native *n, const NativeLine *line);
void native_finish_nets (Native *n);
void native_nic_free (gpointer nic);
void native_take_cgroup (Native *n, const NativeLine *line);        /* native_cgroup.c */
void native_take_cgroup2 (Native *n, const NativeLine *line);
void native_finish_cgroup (Native *n);
void native_take_mount_entry (Native *n, const NativeLine *line);   /* native_mount.c */
void native_take_mount_auto (Native *n, const NativeLine *line);
void native_take_rootfs_options (Native *n, const NativeLine *line);
void native_finish_mounts (Native *n);
/* The path of the root, which there is; @kind: what stands before it, or what lxc.rootfs.backend says. */
const char *native_root (const Native *n, const char **kind);
void native_mount_free (gpointer mount);

/* ---- writing */

typedef struct {
    const DomainDef *def;
    const NativeHost *host;     /* NULL: none */
    const char *root;           /* the container's directory on the host; NULL: another kind of root */
    GString *out;
    GPtrArray *notes;           /* of NativeNote */
} NativeWriter;

/* @path cannot be said. */
void native_cannot (NativeWriter *w, const char *path, const char *reason);
/* A line of its own, or a note where it cannot be one. */
void native_put (NativeWriter *w, const char *key, const char *format, ...) G_GNUC_PRINTF (3, 4);
void native_put_string (NativeWriter *w, const char *key, const char *value);     /* NULL: nothing */
void native_put_number (NativeWriter *w, const char *key, guint64 value);
void native_write_init (NativeWriter *w);         /* native_init.c */
void native_write_nets (NativeWriter *w);         /* native_write_net.c */
void native_write_memory (NativeWriter *w);       /* native_write_limits.c */
void native_write_cpu (NativeWriter *w);
void native_write_blkio (NativeWriter *w);
