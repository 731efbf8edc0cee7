/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* What a container says of itself: host name, addresses, system, users, file systems. */
#include <string.h>
#include <sys/utsname.h>
#include <time.h>

#include "driver/api.h"
#include "driver/domain_usage.h"
#include "driver/guest_facts.h"
#include "driver/leases.h"
#include "driver/params.h"
#include "plan/monitor.h"

static void
failed (Call *call, const GError *error)
{
    call_failed (call, g_error_copy (error));
}

static const char hostname_only[] = { FACT_HOSTNAME, '\0' };
static const char addresses_only[] = { FACT_ADDRESSES, '\0' };
static const char mounts_only[] = { FACT_MOUNTS, '\0' };

/* ---- host name */

enum { HOSTNAME_LEASE = 1 << 0, HOSTNAME_AGENT = 1 << 1 };      /* virDomainGetHostnameFlags */

static void
hostname_known (const GuestFacts *facts, const GError *error, gpointer data)
{
    Call *call = data;
    domain_get_hostname_ret *out = call->out;

    if (!facts) {
        failed (call, error);
        return;
    }
    out->hostname = g_strdup (facts->hostname ? facts->hostname : "");
    call_done (call);
}

/* The name that the kernel has for the container, unless it is the leases that are asked for. */
ApiResult
api_domain_get_hostname (Call *call, const domain_get_hostname_args *in, domain_get_hostname_ret *out,
                         GError **error)
{
    (void) out;
    if ((in->flags & HOSTNAME_LEASE) && (in->flags & HOSTNAME_AGENT)) {
        error_set_from (error, ORIGIN_DOMAIN, ERR_INVALID_ARG,
                        "flags 'lease' and 'agent' are mutually exclusive");
        return API_FAILED;
    }
    if (in->flags & HOSTNAME_LEASE) {
        leases_ask_hostname (call);
        return API_LATER;
    }
    return guest_facts_ask (call->domain, hostname_only, hostname_known, call, error) ? API_LATER
                                                                                      : API_FAILED;
}

/* ---- addresses */

enum { SOURCE_LEASE, SOURCE_AGENT, SOURCE_ARP };    /* virDomainInterfaceAddressesSource */

static void
interface_fill (wire_domain_interface *wire, const GuestInterface *interface)
{
    wire->name = g_strdup (interface->name);
    wire->hwaddr = interface->mac ? g_new (char *, 1) : NULL;
    if (wire->hwaddr)
        *wire->hwaddr = g_strdup (interface->mac);
    wire->addrs.addrs_val = g_new0 (wire_domain_ip_addr, MAX (interface->addresses->len, 1));
    for (guint i = 0; i < interface->addresses->len && i < REMOTE_DOMAIN_IP_ADDR_MAX; i++) {
        const GuestAddress *address = &g_array_index (interface->addresses, GuestAddress, i);

        wire->addrs.addrs_val[i] = (wire_domain_ip_addr){
            .type = address->ipv6, .addr = g_strdup (address->text), .prefix = address->prefix
        };
        wire->addrs.addrs_len++;
    }
}

static void
addresses_known (const GuestFacts *facts, const GError *error, gpointer data)
{
    Call *call = data;
    domain_interface_addresses_ret *out = call->out;
    guint n = facts && facts->interfaces ? MIN (facts->interfaces->len, REMOTE_DOMAIN_INTERFACE_MAX) : 0;

    if (!facts) {
        failed (call, error);
        return;
    }
    out->ifaces.ifaces_val = g_new0 (wire_domain_interface, MAX (n, 1));
    for (; out->ifaces.ifaces_len < n; out->ifaces.ifaces_len++)
        interface_fill (&out->ifaces.ifaces_val[out->ifaces.ifaces_len],
                        facts->interfaces->pdata[out->ifaces.ifaces_len]);
    call_done (call);
}

ApiResult
api_domain_interface_addresses (Call *call, const domain_interface_addresses_args *in,
                                domain_interface_addresses_ret *out, GError **error)
{
    (void) out;
    switch (in->source) {
    case SOURCE_LEASE:
    case SOURCE_ARP:
        leases_ask_addresses (call, in->source == SOURCE_ARP, addresses_known);
        return API_LATER;
    case SOURCE_AGENT:
        if (rpc_client_readonly (call->client->rpc)) {
            error_set_from (error, ORIGIN_DOMAIN, ERR_OPERATION_DENIED,
                            "read only access prevents virDomainInterfaceAddresses");
            return API_FAILED;
        }
        return guest_facts_ask (call->domain, addresses_only, addresses_known, call, error) ? API_LATER
                                                                                            : API_FAILED;
    default:
        error_set (error, ERR_ARGUMENT_UNSUPPORTED, "Unknown IP address data source %u", in->source);
        return API_FAILED;
    }
}

/* ---- file systems */

/* The disks, or the like, that a mount comes from. */
static const DomainBlock *
block_of (const GArray *blocks, dev_t device)
{
    for (guint i = 0; i < blocks->len; i++)
        if (device && g_array_index (blocks, DomainBlock, i).device == device)
            return &g_array_index (blocks, DomainBlock, i);
    return NULL;
}

static void
mounts_known (const GuestFacts *facts, const GError *error, gpointer data)
{
    Call *call = data;
    domain_get_fsinfo_ret *out = call->out;
    g_autoptr (GHashTable) loops = NULL;
    g_autoptr (GArray) blocks = NULL;
    guint n = facts && facts->mounts ? facts->mounts->len : 0;

    if (!facts) {
        failed (call, error);
        return;
    }
    if (n > REMOTE_DOMAIN_FSINFO_MAX) {
        GError *many = NULL;

        error_set_from (&many, ORIGIN_RPC, ERR_RPC, "Too many mountpoints in fsinfo: %u for limit %d", n,
                        REMOTE_DOMAIN_FSINFO_MAX);
        call_failed (call, many);
        return;
    }
    blocks = domain_blocks (call->domain, &loops);
    out->info.info_val = g_new0 (wire_domain_fsinfo, MAX (n, 1));
    out->info.info_len = out->ret = n;
    for (guint i = 0; i < n; i++) {
        const GuestMount *mount = facts->mounts->pdata[i];
        const DomainBlock *block = block_of (blocks, mount->device);
        wire_domain_fsinfo *wire = &out->info.info_val[i];

        wire->mountpoint = g_strdup (mount->mountpoint);
        wire->name = g_strdup (mount->source);
        wire->fstype = g_strdup (mount->fstype);
        wire->dev_aliases.dev_aliases_val = g_new0 (char *, 1);
        if (block)
            wire->dev_aliases.dev_aliases_val[wire->dev_aliases.dev_aliases_len++] = g_strdup (block->name);
    }
    call_done (call);
}

ApiResult
api_domain_get_fsinfo (Call *call, const domain_get_fsinfo_args *in, domain_get_fsinfo_ret *out,
                       GError **error)
{
    (void) in;
    (void) out;
    return guest_facts_ask (call->domain, mounts_only, mounts_known, call, error) ? API_LATER
                                                                                  : API_FAILED;
}

/* ---- guest info */

/* virDomainGuestInfoTypes */
enum {
    INFO_USERS = 1 << 0,
    INFO_OS = 1 << 1,
    INFO_TIMEZONE = 1 << 2,
    INFO_HOSTNAME = 1 << 3,
    INFO_FILESYSTEM = 1 << 4,
    INFO_INTERFACES = 1 << 6,
    INFO_ALL = INFO_USERS | INFO_OS | INFO_TIMEZONE | INFO_HOSTNAME | INFO_FILESYSTEM | INFO_INTERFACES,
};

static void
add_text (GArray *params, const char *value, const char *format, guint i, guint k)
{
    char name[64];

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    g_snprintf (name, sizeof name, format, i, k);
#pragma GCC diagnostic pop
    params_add_string (params, name, value);
}

static void
add_users (GArray *params, const GuestFacts *facts, const Domain *domain)
{
    (void) domain;
    params_add_uint (params, "user.count", facts->users ? facts->users->len : 0);
    for (guint i = 0; facts->users && i < facts->users->len; i++) {
        const GuestUser *user = &g_array_index (facts->users, GuestUser, i);
        g_autofree char *time_name = g_strdup_printf ("user.%u.login-time", i);

        add_text (params, user->name, "user.%u.name", i, 0);
        params_add_ullong (params, time_name, user->login_ms);
    }
}

/* The kernel is the host's. */
static void
add_os (GArray *params, const GuestFacts *facts, const Domain *domain)
{
    static const struct {
        const char *key, *name;
    } keys[] = {
        { "ID", "os.id" },           { "NAME", "os.name" },       { "PRETTY_NAME", "os.pretty-name" },
        { "VERSION", "os.version" }, { "VERSION_ID", "os.version-id" },
        { "VARIANT", "os.variant" }, { "VARIANT_ID", "os.variant-id" },
    };
    struct utsname host;

    (void) domain;
    for (guint i = 0; facts->os && i < G_N_ELEMENTS (keys); i++) {
        const char *value = g_hash_table_lookup (facts->os, keys[i].key);

        if (value)
            params_add_string (params, keys[i].name, value);
    }
    if (uname (&host) < 0)
        return;
    params_add_string (params, "os.kernel-release", host.release);
    params_add_string (params, "os.kernel-version", host.version);
    params_add_string (params, "os.machine", host.machine);
}

/* The offset is what the host's own data base says of that name: the guest's file is not read. */
static void
add_timezone (GArray *params, const GuestFacts *facts, const Domain *domain)
{
    const char *name = facts->timezone ? facts->timezone : "UTC";
    g_autoptr (GTimeZone) zone = g_time_zone_new_identifier (name);

    (void) domain;
    params_add_string (params, "timezone.name", name);
    if (zone)
        params_add_int (params, "timezone.offset",
                        g_time_zone_get_offset (zone, g_time_zone_find_interval (zone, G_TIME_TYPE_UNIVERSAL,
                                                                                 time (NULL))));
}

static void
add_filesystems (GArray *params, const GuestFacts *facts, const Domain *domain)
{
    guint n = facts->mounts ? facts->mounts->len : 0;
    g_autoptr (GHashTable) loops = NULL;
    g_autoptr (GArray) blocks = domain_blocks (domain, &loops);

    params_add_uint (params, "fs.count", n);
    for (guint i = 0; i < n; i++) {
        const GuestMount *mount = facts->mounts->pdata[i];
        g_autofree char *total = g_strdup_printf ("fs.%u.total-bytes", i);
        g_autofree char *used = g_strdup_printf ("fs.%u.used-bytes", i);
        g_autofree char *disks = g_strdup_printf ("fs.%u.disk.count", i);
        const DomainBlock *block = block_of (blocks, mount->device);

        add_text (params, mount->mountpoint, "fs.%u.mountpoint", i, 0);
        add_text (params, mount->source, "fs.%u.name", i, 0);
        add_text (params, mount->fstype, "fs.%u.fstype", i, 0);
        if (mount->sized) {
            params_add_ullong (params, total, mount->total);
            params_add_ullong (params, used, mount->used);
        }
        params_add_uint (params, disks, block != NULL);
        if (block)
            add_text (params, block->name, "fs.%u.disk.%u.alias", i, 0);
    }
}

static void
add_interfaces (GArray *params, const GuestFacts *facts, const Domain *domain)
{
    guint n = facts->interfaces ? facts->interfaces->len : 0;

    (void) domain;
    params_add_uint (params, "if.count", n);
    for (guint i = 0; i < n; i++) {
        const GuestInterface *interface = facts->interfaces->pdata[i];
        g_autofree char *count = g_strdup_printf ("if.%u.addr.count", i);

        add_text (params, interface->name, "if.%u.name", i, 0);
        if (interface->mac)
            add_text (params, interface->mac, "if.%u.hwaddr", i, 0);
        params_add_uint (params, count, interface->addresses->len);
        for (guint k = 0; k < interface->addresses->len; k++) {
            const GuestAddress *address = &g_array_index (interface->addresses, GuestAddress, k);
            g_autofree char *prefix = g_strdup_printf ("if.%u.addr.%u.prefix", i, k);

            add_text (params, address->ipv6 ? "ipv6" : "ipv4", "if.%u.addr.%u.type", i, k);
            add_text (params, address->text, "if.%u.addr.%u.addr", i, k);
            params_add_uint (params, prefix, address->prefix);
        }
    }
}

static const struct {
    guint type;
    char fact;
    void (*add) (GArray *params, const GuestFacts *facts, const Domain *domain);
} kinds[] = {
    { INFO_USERS, FACT_USERS, add_users },
    { INFO_OS, FACT_OS, add_os },
    { INFO_TIMEZONE, FACT_TIMEZONE, add_timezone },
    { INFO_FILESYSTEM, FACT_MOUNTS, add_filesystems },
    { INFO_INTERFACES, FACT_ADDRESSES, add_interfaces },
};

static void
info_known (const GuestFacts *facts, const GError *error, gpointer data)
{
    Call *call = data;
    guint types = ((const domain_get_guest_info_args *) call->in)->types;
    domain_get_guest_info_ret *out = call->out;
    GArray *params;

    if (!facts) {
        failed (call, error);
        return;
    }
    types = types ? types : INFO_ALL;
    params = params_new ();
    if ((types & INFO_HOSTNAME) && facts->hostname)
        params_add_string (params, "hostname", facts->hostname);
    for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
        if (types & kinds[i].type)
            kinds[i].add (params, facts, call->domain);
    if (params->len > REMOTE_DOMAIN_GUEST_INFO_PARAMS_MAX) /* a guest with very many addresses or mounts */
        g_array_set_size (params, REMOTE_DOMAIN_GUEST_INFO_PARAMS_MAX);
    out->params.params_val = params_take (params, &out->params.params_len);
    call_done (call);
}

ApiResult
api_domain_get_guest_info (Call *call, const domain_get_guest_info_args *in,
                           domain_get_guest_info_ret *out, GError **error)
{
    guint types = in->types ? in->types : INFO_ALL, n = 0;
    char what[8];

    (void) out;
    if (types & ~(guint) INFO_ALL) {
        error_set (error, ERR_INVALID_ARG, "unsupported guest information types '0x%x'",
                   types & ~(guint) INFO_ALL);
        return API_FAILED;
    }
    if (types & INFO_HOSTNAME)
        what[n++] = FACT_HOSTNAME;
    for (guint i = 0; i < G_N_ELEMENTS (kinds); i++)
        if (types & kinds[i].type)
            what[n++] = kinds[i].fact;
    what[n] = '\0';
    return guest_facts_ask (call->domain, what, info_known, call, error) ? API_LATER : API_FAILED;
}
