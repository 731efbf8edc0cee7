/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * libskep: the client library of Skep. Plain C, blocking, one connection per thread.
 *
 * Conventions
 * - A function that can fail takes `SkepError *error` last (may be NULL) and returns false, NULL or -1;
 *   `error` then holds libvirt's error number, libvirt's error domain and the daemon's whole text.
 *   Results are written only on success.
 * - Strings and arrays that a function returns are the caller's: free() them; SkepDomain by
 *   skep_domain_free(), lists by the function named beside them.
 * - Numbers (flags, states, reasons, events) are libvirt's; memory is in KiB unless said otherwise.
 * - A SkepConnection and what came from it belong to one thread at a time.
 *
 * The header needs no other header of Skep or GLib. Symbols are versioned (LIBSKEP_1).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- Errors ---- */

/* Start with `SkepError error = { 0 };`, end with skep_error_clear(). */
typedef struct {
    int code;      /* libvirt error number (virErrorNumber); 0 none */
    int domain;    /* libvirt error domain (virErrorDomain) */
    char *message; /* the whole text, ready to print */
} SkepError;

enum {
    SKEP_ERROR_NO_SUPPORT = 3,
    SKEP_ERROR_NO_CONNECT = 5,
    SKEP_ERROR_INVALID_ARG = 8,
    SKEP_ERROR_OPERATION_DENIED = 29,
    SKEP_ERROR_SYSTEM = 38,
    SKEP_ERROR_RPC = 39,
    SKEP_ERROR_NO_DOMAIN = 42,
    SKEP_ERROR_OPERATION_INVALID = 55,
    SKEP_ERROR_NO_METADATA = 80,
};

void skep_error_clear (SkepError *error);

/* ---- Connection ---- */

typedef struct SkepConnection SkepConnection;

enum { SKEP_CONNECT_READONLY = 1 };

/* Connects to @uri: "lxc:///system" (the default socket of Skep, then libvirt's virtlxcd-sock),
 * "lxc+unix:///system?socket=PATH", or NULL for $SKEP_SOCKET, else $SKEP_URI, else lxc:///system.
 * Read-only connections use the -ro socket unless a socket was named. */
SkepConnection *skep_connect (const char *uri, unsigned flags, SkepError *error);

/* Connects to the socket at @path. */
SkepConnection *skep_connect_socket (const char *path, unsigned flags, SkepError *error);

/* Says goodbye and frees; NULL is fine. Domains stay valid only until then. */
void skep_disconnect (SkepConnection *conn);

const char *skep_connection_socket (const SkepConnection *conn);
bool skep_connection_readonly (const SkepConnection *conn);
int skep_connection_fd (const SkepConnection *conn); /* for poll(); not for reading */
bool skep_connection_alive (const SkepConnection *conn);

/* A URI that reaches this daemon, with its socket unless that is the default one. Asks nobody. */
char *skep_connection_uri (SkepConnection *conn, SkepError *error);
char *skep_connection_type (SkepConnection *conn, SkepError *error);
char *skep_connection_hostname (SkepConnection *conn, SkepError *error);
char *skep_connection_capabilities (SkepConnection *conn, SkepError *error);
/* What a domain can have here; each argument may be NULL. */
char *skep_connection_domain_capabilities (SkepConnection *conn, const char *emulator, const char *arch,
                                           const char *machine, const char *type, SkepError *error);
char *skep_connection_sysinfo (SkepConnection *conn, SkepError *error);
/* major * 1000000 + minor * 1000 + release: of the kernel, and of the libvirt level spoken. */
bool skep_connection_version (SkepConnection *conn, uint64_t *ret_version, SkepError *error);
bool skep_connection_lib_version (SkepConnection *conn, uint64_t *ret_version, SkepError *error);
int skep_connection_max_vcpus (SkepConnection *conn, const char *type, SkepError *error);

/* ---- Named values ---- */

typedef enum {
    SKEP_INT = 1,
    SKEP_UINT,
    SKEP_LLONG,
    SKEP_ULLONG,
    SKEP_DOUBLE,
    SKEP_BOOLEAN,
    SKEP_STRING
} SkepType;

/* Limits in memory parameters above this mean "unlimited" (KiB). */
#define SKEP_MEMORY_UNLIMITED 9007199254740991ULL

typedef struct {
    char *name;
    SkepType type;
    union {
        int i;
        unsigned u;
        int64_t l;
        uint64_t ul;
        double d;
        char *s;
    } value;
} SkepParam;

/* An array of values; .n entries. Start with `{ 0 }`. */
typedef struct {
    SkepParam *item;
    size_t n;
} SkepParams;

void skep_params_clear (SkepParams *params);
const SkepParam *skep_params_find (const SkepParams *params, const char *name);
/* Appends a number of @type, or a string. */
void skep_params_add_number (SkepParams *params, const char *name, SkepType type, int64_t value);
void skep_params_add_string (SkepParams *params, const char *name, const char *value);
/* The value as text ("3", "1.5", "yes"/"no"). */
char *skep_param_text (const SkepParam *param);

/* ---- The host ---- */

typedef struct {
    char model[33];
    uint64_t memory; /* KiB */
    int cpus, mhz, nodes, sockets, cores, threads;
} SkepNodeInfo;

bool skep_node_info (SkepConnection *conn, SkepNodeInfo *ret_info, SkepError *error);
/* @cell, @cpu: -1 for the whole host. Memory in KiB, times in ns. */
bool skep_node_memory_stats (SkepConnection *conn, int cell, SkepParams *ret_stats,
                             SkepError *error);
bool skep_node_cpu_stats (SkepConnection *conn, int cpu, SkepParams *ret_stats, SkepError *error);
/* Returns the number of CPUs present; *ret_map is a bit string (bit 0 of byte 0 is CPU 0). */
int skep_node_cpu_map (SkepConnection *conn, uint8_t **ret_map, size_t *ret_size,
                       unsigned *ret_online, SkepError *error);
bool skep_node_free_memory (SkepConnection *conn, uint64_t *ret_bytes, SkepError *error);
/* Returns how many cells were filled in, bytes each. */
int skep_node_cells_free_memory (SkepConnection *conn, int first, int max, uint64_t **ret_bytes,
                                 SkepError *error);
/* Returns the number of counts: @n_cells times @n_sizes of them, cell by cell. Sizes in KiB. */
int skep_node_free_pages (SkepConnection *conn, const unsigned *sizes, unsigned n_sizes,
                          int first_cell, unsigned n_cells, uint64_t **ret_counts,
                          SkepError *error);

/* @target: virNodeSuspendTarget; seconds. */
bool skep_node_suspend (SkepConnection *conn, unsigned target, uint64_t duration, SkepError *error);
bool skep_node_memory_params (SkepConnection *conn, SkepParams *ret_params, SkepError *error);
bool skep_node_set_memory_params (SkepConnection *conn, const SkepParams *params, SkepError *error);
/* Sets the number of pages of @size KiB in @n_cells cells from @first on (-1: wherever), or adds to it.
 * Returns how many nodes were changed. */
int skep_node_alloc_pages (SkepConnection *conn, unsigned size, uint64_t count, int first,
                           unsigned n_cells, bool add, SkepError *error);

/* ---- Other objects, which the host or other daemons have ---- */

typedef enum {
    SKEP_NETWORKS,
    SKEP_POOLS,
    SKEP_NODE_DEVICES,
    SKEP_INTERFACES,
    SKEP_NWFILTERS,
    SKEP_NWFILTER_BINDINGS,
    SKEP_SECRETS,
} SkepKind;
typedef struct {
    char *name;   /* of a secret: its usage */
    char *detail; /* UUID, MAC address or filter; NULL: none */
} SkepObject;
/* Returns how many; @flags as libvirt's list call of that kind has them. */
int skep_objects (SkepConnection *conn, SkepKind kind, unsigned flags, SkepObject **ret_objects,
                  SkepError *error);
void skep_objects_free (SkepObject *objects, int n);
/* One of them by its name or UUID: a node device also by "WWNN,WWPN", an interface by its MAC address, a
 * binding by its port, a secret by its UUID only. To be cleared. */
bool skep_object_find (SkepConnection *conn, SkepKind kind, const char *text, SkepObject *ret_object,
                       SkepError *error);
void skep_object_clear (SkepObject *object);
/* Of networks, storage pools and node devices. */
typedef struct {
    bool active, autostart, persistent;
    uint64_t capacity, allocation, available; /* of a pool, bytes */
} SkepObjectState;
bool skep_object_state (SkepConnection *conn, SkepKind kind, const SkepObject *object,
                        SkepObjectState *ret_state, SkepError *error);
char *skep_node_device_xml (SkepConnection *conn, const char *name, SkepError *error);
/* NULL without an error: it has none. */
char *skep_node_device_parent (SkepConnection *conn, const char *name, SkepError *error);
/* By name, or by MAC address. */
bool skep_interface_find (SkepConnection *conn, const char *name, SkepObject *ret_object,
                          SkepError *error);
char *skep_interface_xml (SkepConnection *conn, const SkepObject *interface, unsigned flags,
                          SkepError *error);
/* 1, 0, -1 */
int skep_interface_is_active (SkepConnection *conn, const SkepObject *interface, SkepError *error);

/* ---- Domains ---- */

typedef struct {
    SkepConnection *conn; /* borrowed */
    char *name;
    uint8_t uuid[16];
    int id; /* pid of the controller, -1 when not running */
} SkepDomain;

void skep_domain_free (SkepDomain *domain);
void skep_domain_uuid_text (const SkepDomain *domain, char ret_text[37]);

/* Bits of skep_list_domains(); none of a group means all of it. */
enum {
    SKEP_LIST_ACTIVE = 1 << 0,
    SKEP_LIST_INACTIVE = 1 << 1,
    SKEP_LIST_PERSISTENT = 1 << 2,
    SKEP_LIST_TRANSIENT = 1 << 3,
    SKEP_LIST_RUNNING = 1 << 4,
    SKEP_LIST_PAUSED = 1 << 5,
    SKEP_LIST_SHUTOFF = 1 << 6,
    SKEP_LIST_OTHER = 1 << 7,
    SKEP_LIST_MANAGEDSAVE = 1 << 8,
    SKEP_LIST_NO_MANAGEDSAVE = 1 << 9,
    SKEP_LIST_AUTOSTART = 1 << 10,
    SKEP_LIST_NO_AUTOSTART = 1 << 11,
    SKEP_LIST_HAS_SNAPSHOT = 1 << 12,
    SKEP_LIST_NO_SNAPSHOT = 1 << 13,
    SKEP_LIST_HAS_CHECKPOINT = 1 << 14,
    SKEP_LIST_NO_CHECKPOINT = 1 << 15,
};

/* Returns the number of domains (-1 on error); *ret_domains is NULL-terminated. */
int skep_list_domains (SkepConnection *conn, unsigned flags, SkepDomain ***ret_domains,
                       SkepError *error);
void skep_domain_list_free (SkepDomain **domains);

SkepDomain *skep_domain_by_id (SkepConnection *conn, int id, SkepError *error);
SkepDomain *skep_domain_by_name (SkepConnection *conn, const char *name, SkepError *error);
SkepDomain *skep_domain_by_uuid (SkepConnection *conn, const uint8_t uuid[16], SkepError *error);
/* Tries @text as an id (digits), a UUID, a name, in this order, as people type it. */
SkepDomain *skep_domain_find (SkepConnection *conn, const char *text, SkepError *error);

enum { SKEP_DEFINE_VALIDATE = 1 };
SkepDomain *skep_domain_define (SkepConnection *conn, const char *xml, unsigned flags,
                                SkepError *error);

enum {
    SKEP_START_PAUSED = 1,
    SKEP_START_AUTODESTROY = 2,
    SKEP_START_BYPASS_CACHE = 4,
    SKEP_START_FORCE_BOOT = 8,
    SKEP_START_VALIDATE = 16,
    SKEP_START_RESET_NVRAM = 32,
};
/* Descriptors @fds are given to the container's init from 3 on. */
SkepDomain *skep_domain_create_xml (SkepConnection *conn, const char *xml, const int *fds,
                                    unsigned n_fds, unsigned flags, SkepError *error);
/* Updates domain->id. */
bool skep_domain_start (SkepDomain *domain, const int *fds, unsigned n_fds, unsigned flags,
                        SkepError *error);

bool skep_domain_suspend (SkepDomain *domain, SkepError *error);
bool skep_domain_resume (SkepDomain *domain, SkepError *error);
/* Flags 0 use the oldest call of the wire, so that every libvirt daemon understands it. */
bool skep_domain_shutdown (SkepDomain *domain, unsigned flags, SkepError *error);
bool skep_domain_reboot (SkepDomain *domain, unsigned flags, SkepError *error);
/* Ends it at once and starts it again: comes back when it runs. */
bool skep_domain_reset (SkepDomain *domain, SkepError *error);
bool skep_domain_destroy (SkepDomain *domain, unsigned flags, SkepError *error);
bool skep_domain_undefine (SkepDomain *domain, unsigned flags, SkepError *error);

typedef enum {
    SKEP_STATE_NONE,
    SKEP_STATE_RUNNING,
    SKEP_STATE_BLOCKED,
    SKEP_STATE_PAUSED,
    SKEP_STATE_SHUTDOWN,
    SKEP_STATE_SHUTOFF,
    SKEP_STATE_CRASHED,
    SKEP_STATE_PMSUSPENDED
} SkepState;

bool skep_domain_state (SkepDomain *domain, int *ret_state, int *ret_reason, SkepError *error);
/* "running", "shut off", ...; and the reason within it ("booted", "destroyed", ...). */
const char *skep_state_name (int state);
const char *skep_state_reason_name (int state, int reason);

typedef struct {
    int state;
    uint64_t max_memory, memory; /* KiB */
    unsigned vcpus;
    uint64_t cpu_time; /* ns */
} SkepDomainInfo;

bool skep_domain_info (SkepDomain *domain, SkepDomainInfo *ret_info, SkepError *error);
/* How init ended the last time: as wait(2) has it, -1 when it has not ended yet, and in words. False
 * where the daemon is not Skep. */
bool skep_domain_last_exit (SkepDomain *domain, int *ret_wait_status, char **ret_text,
                            SkepError *error);
int skep_domain_is_active (SkepDomain *domain, SkepError *error); /* 1, 0, -1 */
int skep_domain_is_persistent (SkepDomain *domain, SkepError *error);
int skep_domain_autostart (SkepDomain *domain, SkepError *error);
bool skep_domain_set_autostart (SkepDomain *domain, bool on, SkepError *error);
int skep_domain_has_managed_save (SkepDomain *domain, SkepError *error);
bool skep_domain_remove_managed_save (SkepDomain *domain, SkepError *error);
char *skep_domain_os_type (SkepDomain *domain, SkepError *error);
bool skep_domain_control_info (SkepDomain *domain, unsigned *ret_state, unsigned *ret_details,
                               unsigned *ret_since, SkepError *error);
bool skep_security_model (SkepConnection *conn, char **ret_model, char **ret_doi, SkepError *error);
bool skep_domain_security_label (SkepDomain *domain, char **ret_label, bool *ret_enforcing,
                                 SkepError *error);
/* NULL-terminated list, free with skep_strings_free(). */
char **skep_domain_messages (SkepDomain *domain, unsigned flags, SkepError *error);
void skep_strings_free (char **strings);

enum {
    SKEP_XML_SECURE = 1,
    SKEP_XML_INACTIVE = 2,
    SKEP_XML_UPDATE_CPU = 4,
    SKEP_XML_MIGRATABLE = 8
};
char *skep_domain_xml (SkepDomain *domain, unsigned flags, SkepError *error);
/* The launch plan as text; nothing is touched. */
char *skep_domain_plan (SkepDomain *domain, unsigned flags, SkepError *error);

/* Something that a conversion left out, or that has no effect. */
typedef struct {
    char *file;    /* "" for the text itself */
    unsigned line; /* 0: of no line */
    char *key;     /* a key of LXC, or a path in the XML */
    char *reason;
} SkepNote;

/* A list that ends with key NULL; free with skep_notes_free(). Skep's own calls: they fail elsewhere. */
SkepNote *skep_domain_notes (SkepDomain *domain, SkepError *error);
void skep_notes_free (SkepNote *notes);
/* @format is "lxc-tools". @name, if not NULL, instead of the configuration's. */
char *skep_xml_from_native (SkepConnection *conn, const char *format, const char *config,
                            const char *name, SkepNote **ret_notes, SkepError *error);
char *skep_xml_to_native (SkepConnection *conn, const char *format, const char *xml,
                          SkepNote **ret_notes, SkepError *error);

/* ---- Tuning ---- */

enum {
    SKEP_AFFECT_CURRENT = 0,
    SKEP_AFFECT_LIVE = 1,
    SKEP_AFFECT_CONFIG = 2,
    SKEP_MEMORY_MAXIMUM = 4
};
bool skep_domain_set_memory (SkepDomain *domain, uint64_t kib, unsigned flags, SkepError *error);
bool skep_domain_memory_params (SkepDomain *domain, unsigned flags, SkepParams *ret_params,
                                SkepError *error);
bool skep_domain_set_memory_params (SkepDomain *domain, const SkepParams *params, unsigned flags,
                                    SkepError *error);
char *skep_domain_scheduler_type (SkepDomain *domain, int *ret_n_params, SkepError *error);
bool skep_domain_scheduler_params (SkepDomain *domain, unsigned flags, SkepParams *ret_params,
                                   SkepError *error);
bool skep_domain_set_scheduler_params (SkepDomain *domain, const SkepParams *params, unsigned flags,
                                       SkepError *error);

/* ---- Limits as lists of named values ---- */

typedef enum {
    SKEP_LIMITS_MEMORY,    /* hard_limit, soft_limit, swap_hard_limit, min_guarantee (KiB) */
    SKEP_LIMITS_BLKIO,     /* weight, device_weight, device_read_bytes_sec, ... */
    SKEP_LIMITS_NUMA,      /* numa_nodeset, numa_mode */
    SKEP_LIMITS_INTERFACE, /* of one network interface: inbound.average, ... (KiB/s) */
    SKEP_LIMITS_BLOCK,     /* of one disk: total_bytes_sec, read_iops_sec, ... */
} SkepLimits;
/* @device: the interface or disk; NULL where there is none. */
bool skep_domain_limits (SkepDomain *domain, SkepLimits kind, const char *device, unsigned flags,
                         SkepParams *ret_params, SkepError *error);
bool skep_domain_set_limits (SkepDomain *domain, SkepLimits kind, const char *device,
                             const SkepParams *params, unsigned flags, SkepError *error);

/* What the definition wants and what the kernel has: one row a limit. */
typedef struct {
    char *name;      /* "memory.limit", "cpu.shares", ... */
    char *wanted;    /* "": nothing */
    char *effective; /* "": it does not run, or the kernel has no such limit */
} SkepLimit;
/* Returns how many. A call of Skep's own: libvirtd does not have it. */
int skep_domain_effective_limits (SkepDomain *domain, SkepLimit **ret_limits, SkepError *error);
void skep_limits_free (SkepLimit *limits, int n);

/* ---- Virtual CPUs ---- */

enum { SKEP_VCPU_MAXIMUM = 4, SKEP_VCPU_GUEST = 8 };
int skep_domain_vcpu_count (SkepDomain *domain, unsigned flags, SkepError *error);
bool skep_domain_set_vcpus (SkepDomain *domain, unsigned count, unsigned flags, SkepError *error);
/* Those of a list such as "2-3" go on or off. */
bool skep_domain_set_vcpu (SkepDomain *domain, const char *list, bool on, unsigned flags, SkepError *error);
/* Lists, as values of type string: "vcpus", "online", "offlinable". */
bool skep_domain_guest_vcpus (SkepDomain *domain, SkepParams *ret_params, SkepError *error);
bool skep_domain_set_guest_vcpus (SkepDomain *domain, const char *list, bool on, SkepError *error);
typedef struct {
    unsigned number;
    int state;         /* 0 offline, 1 running, 2 blocked */
    int cpu;           /* where it runs, negative: not known */
    uint64_t cpu_time; /* ns */
} SkepVcpu;
/* Returns how many. *ret_maps (may be NULL) gets a bit string of @map_size bytes for each. */
int skep_domain_vcpus (SkepDomain *domain, SkepVcpu **ret_vcpus, uint8_t **ret_maps,
                       size_t map_size, SkepError *error);
/* Where the first @max virtual CPUs may run: returns how many bit strings of @map_size bytes. */
int skep_domain_vcpu_pins (SkepDomain *domain, unsigned max, size_t map_size, unsigned flags,
                           uint8_t **ret_maps, SkepError *error);
bool skep_domain_pin_vcpu (SkepDomain *domain, unsigned vcpu, const uint8_t *map, size_t map_size,
                           unsigned flags, SkepError *error);
/* The same of all other processes of the container ("emulator" in libvirt's words). */
bool skep_domain_emulator_pin (SkepDomain *domain, size_t map_size, unsigned flags,
                               uint8_t **ret_map, SkepError *error);
bool skep_domain_pin_emulator (SkepDomain *domain, const uint8_t *map, size_t map_size,
                               unsigned flags, SkepError *error);

/* ---- Statistics ---- */

typedef struct {
    int64_t rx_bytes, rx_packets, rx_errs, rx_drop, tx_bytes, tx_packets, tx_errs, tx_drop;
} SkepInterfaceStats;

bool skep_domain_interface_stats (SkepDomain *domain, const char *device,
                                  SkepInterfaceStats *ret_stats, SkepError *error);
typedef struct {
    int tag; /* virDomainMemoryStatTags */
    uint64_t value;
} SkepMemoryStat;
/* Returns the number of entries. */
int skep_domain_memory_stats (SkepDomain *domain, SkepMemoryStat **ret_stats, SkepError *error);
bool skep_domain_block_stats (SkepDomain *domain, const char *path, SkepParams *ret_params,
                              SkepError *error);
/* @start -1: totals; else per CPU from @start on, at most @max CPUs (0: all). Returns the number of
 * CPUs (1 for totals); *ret_cpus has one entry each, free with skep_params_array_free(). */
int skep_domain_cpu_stats (SkepDomain *domain, int start, unsigned max, SkepParams **ret_cpus,
                           SkepError *error);
void skep_params_array_free (SkepParams *array, size_t n);

/* Everything of many domains in one call. @groups: SKEP_STATS_*, 0 for all that there are. */
enum {
    SKEP_STATS_STATE = 1 << 0,
    SKEP_STATS_CPU = 1 << 1,
    SKEP_STATS_BALLOON = 1 << 2,
    SKEP_STATS_VCPU = 1 << 3,
    SKEP_STATS_INTERFACE = 1 << 4,
    SKEP_STATS_BLOCK = 1 << 5,
    SKEP_STATS_PERF = 1 << 6,
    SKEP_STATS_IOTHREAD = 1 << 7,
    SKEP_STATS_MEMORY = 1 << 8,
    SKEP_STATS_DIRTYRATE = 1 << 9,
    SKEP_STATS_VM = 1 << 10,
};
/* Flags beside the SKEP_LIST_* that choose among all domains. */
#define SKEP_STATS_NOWAIT  (1U << 29)
#define SKEP_STATS_BACKING (1U << 30)
#define SKEP_STATS_ENFORCE (1U << 31) /* fail when a group is not there */
typedef struct {
    SkepDomain *domain;
    SkepParams values;
} SkepStats;
/* Of @n_domains @domains, or of all that @flags choose (NULL). Returns the number of entries. */
int skep_stats (SkepConnection *conn, SkepDomain *const *domains, unsigned n_domains,
                unsigned groups, unsigned flags, SkepStats **ret_stats, SkepError *error);
void skep_stats_free (SkepStats *stats, int n);

typedef struct {
    uint64_t capacity, allocation, physical; /* bytes */
} SkepBlockInfo;
bool skep_domain_block_info (SkepDomain *domain, const char *disk, SkepBlockInfo *ret_info,
                             SkepError *error);

/* ---- Looking into the guest ---- */

enum { SKEP_ADDRESSES_LEASE = 0, SKEP_ADDRESSES_AGENT = 1, SKEP_ADDRESSES_ARP = 2 };
typedef struct {
    int type; /* 0 IPv4, 1 IPv6 */
    unsigned prefix;
    char *text;
} SkepAddress;
typedef struct {
    char *name, *mac; /* mac: may be NULL */
    SkepAddress *addresses;
    unsigned n_addresses;
} SkepInterface;
/* Returns how many; from leases, from within the container (AGENT), or the host's neighbours (ARP). */
int skep_domain_interfaces (SkepDomain *domain, unsigned source, SkepInterface **ret_interfaces,
                            SkepError *error);
void skep_interfaces_free (SkepInterface *interfaces, int n);

char *skep_domain_hostname (SkepDomain *domain, unsigned flags, SkepError *error);
enum {
    SKEP_GUEST_USERS = 1 << 0,
    SKEP_GUEST_OS = 1 << 1,
    SKEP_GUEST_TIMEZONE = 1 << 2,
    SKEP_GUEST_HOSTNAME = 1 << 3,
    SKEP_GUEST_FILESYSTEM = 1 << 4,
    SKEP_GUEST_DISKS = 1 << 5,
    SKEP_GUEST_INTERFACES = 1 << 6,
};
bool skep_domain_guest_info (SkepDomain *domain, unsigned types, SkepParams *ret_params,
                             SkepError *error);
typedef struct {
    char *mountpoint, *name, *type;
    char **targets; /* ends with NULL */
} SkepFilesystem;
int skep_domain_filesystems (SkepDomain *domain, SkepFilesystem **ret_filesystems,
                             SkepError *error);
void skep_filesystems_free (SkepFilesystem *filesystems, int n);
/* Of the file systems at these mount points, or of all (n 0). Returns how many were frozen. */
int skep_domain_freeze (SkepDomain *domain, const char *const *mountpoints, unsigned n,
                        SkepError *error);
int skep_domain_thaw (SkepDomain *domain, const char *const *mountpoints, unsigned n,
                      SkepError *error);
bool skep_domain_time (SkepDomain *domain, int64_t *ret_seconds, unsigned *ret_nseconds,
                       SkepError *error);
bool skep_domain_set_time (SkepDomain *domain, int64_t seconds, unsigned nseconds, unsigned flags,
                           SkepError *error);

/* Gives back to the device what the file system at @mountpoint (NULL: each) does not use, in extents of at
 * least @minimum bytes. */
bool skep_domain_trim (SkepDomain *domain, const char *mountpoint, uint64_t minimum, SkepError *error);
typedef struct {
    char *disk;
    int error; /* virDomainDiskErrorCode: 1 unspecified, 2 no space */
} SkepDiskError;
/* Returns how many disks have an error. */
int skep_domain_disk_errors (SkepDomain *domain, SkepDiskError **ret_errors, SkepError *error);
void skep_disk_errors_free (SkepDiskError *errors, int n);
bool skep_domain_set_user_password (SkepDomain *domain, const char *user, const char *password, unsigned flags,
                                    SkepError *error);

/* ---- Long work ---- */

/* *ret_type: virDomainJobType, 0 none. */
bool skep_domain_job (SkepDomain *domain, unsigned flags, int *ret_type, SkepParams *ret_params,
                      SkepError *error);
bool skep_domain_abort_job (SkepDomain *domain, SkepError *error);

/* ---- Devices ---- */

/* Flags: SKEP_AFFECT_*. */
bool skep_domain_attach_device (SkepDomain *domain, const char *xml, unsigned flags,
                                SkepError *error);
bool skep_domain_detach_device (SkepDomain *domain, const char *xml, unsigned flags,
                                SkepError *error);
bool skep_domain_detach_alias (SkepDomain *domain, const char *alias, unsigned flags,
                               SkepError *error);
bool skep_domain_update_device (SkepDomain *domain, const char *xml, unsigned flags,
                                SkepError *error);

/* ---- Other changes ---- */

bool skep_domain_rename (SkepDomain *domain, const char *name, SkepError *error);
/* @event: 0 poweroff, 1 reboot, 2 crash; @action: virDomainLifecycleAction. */
bool skep_domain_set_lifecycle_action (SkepDomain *domain, unsigned event, unsigned action,
                                       unsigned flags, SkepError *error);

/* ---- Metadata, signals, namespaces ---- */

typedef enum { SKEP_METADATA_DESCRIPTION, SKEP_METADATA_TITLE, SKEP_METADATA_ELEMENT } SkepMetadata;
char *skep_domain_metadata (SkepDomain *domain, SkepMetadata type, const char *uri, unsigned flags,
                            SkepError *error);
bool skep_domain_set_metadata (SkepDomain *domain, SkepMetadata type, const char *metadata,
                               const char *key, const char *uri, unsigned flags, SkepError *error);
bool skep_domain_send_signal (SkepDomain *domain, int64_t pid, unsigned signum, SkepError *error);
/* Descriptors of init's namespaces, close-on-exec, the caller's to close; returns how many. */
int skep_domain_open_namespaces (SkepDomain *domain, int **ret_fds, SkepError *error);

/* ---- Console ---- */

typedef struct SkepStream SkepStream;

enum { SKEP_CONSOLE_FORCE = 1, SKEP_CONSOLE_SAFE = 2 };
/* @device: alias such as "console0", NULL for the first console. While a stream is open the
 * connection's other calls may be used as well. */
SkepStream *skep_domain_open_console (SkepDomain *domain, const char *device, unsigned flags,
                                      SkepError *error);
/* Waits for output at most @timeout_ms (-1: for ever). > 0: bytes in *ret_data (free them);
 * 0: the container's side ended; -1: error; -2: nothing came in time. */
ptrdiff_t skep_stream_receive (SkepStream *stream, void **ret_data, int timeout_ms,
                               SkepError *error);
bool skep_stream_send (SkepStream *stream, const void *data, size_t size, SkepError *error);
/* Ends the stream: orderly (@abort_it false) or not, and frees it. */
void skep_stream_close (SkepStream *stream, bool abort_it);

/* ---- Events ---- */

enum {
    SKEP_EVENT_LIFECYCLE = 0,
    SKEP_EVENT_REBOOT = 1,
    SKEP_EVENT_METADATA_CHANGE = 23,
    SKEP_EVENT_LAST = 27
};

/* One event: which, of which domain, and its values by name in the wire's order. */
typedef struct {
    int event;
    int callback;
    const SkepDomain *domain;
    const SkepParams *values;
} SkepEvent;
typedef void (*SkepEventHandler) (const SkepEvent *event, void *data);

/* The name of an event id ("lifecycle", "reboot", ...), or NULL; and back, -1. */
const char *skep_event_name (int event);
int skep_event_by_name (const char *name);
/* Names of a lifecycle event and of its detail. */
const char *skep_lifecycle_name (int event);
const char *skep_lifecycle_detail_name (int event, int detail);

void skep_on_event (SkepConnection *conn, SkepEventHandler handler, void *data);
/* @domain NULL: all domains. Returns the callback id, -1 on error. */
int skep_event_register (SkepConnection *conn, int event, const SkepDomain *domain,
                         SkepError *error);
bool skep_event_deregister (SkepConnection *conn, int callback, SkepError *error);
/* The same of other objects: node devices, networks, storage pools, secrets, each with its own event numbers
 * from 0 (lifecycle) on. */
typedef struct {
    SkepKind kind;
    int event;
    int callback;
    const SkepObject *object;
    const SkepParams *values; /* of a lifecycle event: "event", "detail" */
} SkepObjectEvent;
typedef void (*SkepObjectEventHandler) (const SkepObjectEvent *event, void *data);

/* NULL for a number behind the last, and for kinds without events; back: -1. */
const char *skep_object_event_name (SkepKind kind, int event);
int skep_object_event_by_name (SkepKind kind, const char *name);
/* "Created", "Started", ... */
const char *skep_object_lifecycle_name (SkepKind kind, int event);

void skep_on_object_event (SkepConnection *conn, SkepObjectEventHandler handler, void *data);
/* @object NULL: all of the kind. Returns the callback id, -1 on error. */
int skep_object_event_register (SkepConnection *conn, SkepKind kind, int event, const SkepObject *object,
                                SkepError *error);
bool skep_object_event_deregister (SkepConnection *conn, SkepKind kind, int callback, SkepError *error);

/* Handles what arrives within @timeout_ms (-1: waits for ever for one packet). false: the connection
 * is gone. */
bool skep_dispatch (SkepConnection *conn, int timeout_ms, SkepError *error);

#ifdef __cplusplus
}
#endif
