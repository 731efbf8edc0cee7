/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Typed parameters of calls, and other small things that handlers share. */
#pragma once

#include "driver/dispatch.h"

/* ---- strings that may be absent */

static inline const char *
wire_text (wire_string text)
{
    return text ? *text : NULL;
}

/* ---- domains */

/* Fills a handle: name, uuid, and the id while the domain is active, else -1. */
void wire_domain_fill (wire_domain *wire, const Domain *domain);

/* Whether a domain passes virConnectListAllDomainsFlags: in each group of bits that @filter names one is
 * true of it. */
gboolean domain_list_passes (const Domain *domain, guint filter);

typedef enum { AFFECT_LIVE = 1 << 0, AFFECT_CONFIG = 1 << 1 } Affect;    /* virDomainModificationImpact */

/* Turns "current" (neither bit) into what it means now, and refuses the live configuration of an
 * inactive domain and the saved one of a transient domain. Other bits are ignored. */
gboolean affect_resolve (const Domain *domain, guint flags, Affect *ret, GError **error);
/* The definition a getter reads: of one target only. */
gboolean affect_def (Domain *domain, guint flags, DomainDef **ret, gboolean *ret_live, GError **error);

/* The cgroup of an active domain. */
Cgroup *domain_cgroup (const Domain *domain, GError **error);

/* An InstanceDone, or anything alike: answers @call, a Call. */
void domain_answer (Domain *domain, const GError *error, gpointer call);

/* How many names a client has room for: 0 to @max, or ERR_RPC. */
gboolean room_check (int asked, int max, GError **error);

/* ---- typed parameters */

typedef enum { PARAM_INT = 1, PARAM_UINT, PARAM_LLONG, PARAM_ULLONG, PARAM_DOUBLE, PARAM_BOOLEAN,
               PARAM_STRING } ParamType;

#define PARAMS_STRING_OKAY 4u   /* flag: the client takes strings as well */

typedef struct {
    const char *name;
    ParamType type;
} ParamSpec;

/* Each name is known, of its type, and given once. */
gboolean params_check (const wire_typed_param *params, guint n, const ParamSpec *specs, guint n_specs,
                       GError **error);
/* The same, and there is one at least: for what changes something. */
gboolean params_check_some (const wire_typed_param *params, guint n, const ParamSpec *specs, guint n_specs,
                            GError **error);
const wire_typed_param *params_find (const wire_typed_param *params, guint n, const char *name);

/* A list to answer with, of wire_typed_param. */
GArray *params_new (void);
void params_add_int (GArray *params, const char *name, int value);
void params_add_boolean (GArray *params, const char *name, gboolean value);
void params_add_uint (GArray *params, const char *name, guint value);
void params_add_llong (GArray *params, const char *name, gint64 value);
void params_add_ullong (GArray *params, const char *name, guint64 value);
void params_add_string (GArray *params, const char *name, const char *value);

/* Takes @params, whose elements go into a reply without a protocol of counting. */
wire_typed_param *params_take (GArray *params, u_int *ret_n);

/* The two-step protocol of getters: asked for none, says how many there are, else gives at most as many
 * as were asked for. Takes @params. @max is the bound of the reply. */
gboolean params_reply (GArray *params, int asked, guint max, wire_typed_param **ret_params, u_int *ret_n,
                       int *ret_nparams, GError **error);
/* The same, without strings for a client whose @flags do not have PARAMS_STRING_OKAY. */
gboolean params_reply_flags (GArray *params, guint flags, int asked, guint max,
                             wire_typed_param **ret_params, u_int *ret_n, int *ret_nparams,
                             GError **error);
