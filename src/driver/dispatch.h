/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * From packets to handlers. Each remote procedure is one row of procedures.def; everything all of them
 * share is done once, in dispatch(), in this order, which clients can observe: authenticated, open,
 * read-only, known, decode, flags, look-up, job, state, handler.
 *
 * Whoever can open the socket may do all that it allows (the sockets' modes and groups decide who);
 * a row's permission text is what an access driver would be asked between look-up and job.
 */
#pragma once

#include <glib.h>

#include "driver/domains.h"
#include "driver/jobs.h"
#include "rpc/remote.h"
#include "rpc/server.h"
#include "util/error.h"

typedef enum { ON_NOTHING, ON_CONNECT, ON_DOMAIN } ProcObject;
typedef enum { ANY_STATE, ACTIVE, INACTIVE } ProcState;
typedef enum { PROC_CALL, PROC_KNOWN, PROC_EVENT } ProcKind;
typedef enum {
    API_FAILED,                 /* error is set; dispatch answers and ends the job */
    API_DONE,                   /* out is filled */
    API_LATER,                  /* the handler owns @call and will call call_done() or call_failed() */
} ApiResult;

typedef struct Proc Proc;

/* A client as the driver sees it. Kept by its connection and by each of its calls in progress. */
typedef struct {
    int ref_count;
    RpcClient *rpc;             /* NULL once gone */
    guint64 id;                 /* rpc_client_id(), also after it has gone */
    gboolean authenticated, open;
    char *uri;                  /* as opened */
    GSList *callbacks;          /* event registrations: events.c */
    guint held;                 /* while not 0, its calls wait */
    const Proc *passes;         /* but those of this procedure, NULL none */
    GQueue waiting;             /* of RpcCall */
} Client;

typedef struct {
    const Proc *proc;
    RpcCall *rpc;
    Client *client;             /* stays valid until the call is answered */
    Domain *domain;             /* referenced; ON_DOMAIN rows only */
    Job *job;
    char *failure;              /* why call_failed(); NULL: it has not */
    gboolean cancelled;         /* by a client */
    void *in, *out;             /* zeroed and sized by the row; freed by xdr_free() */
    GArray *reply_fds;          /* of int, closed after the reply; NULL none */
} Call;

/* For API_LATER. Both answer, end the job and free @call. call_failed() takes the error. */
void call_done (Call *call);
void call_failed (Call *call, GError *error);

#define JOB_WAIT_MS 30000   /* how long a call waits for its turn at a domain, as in libvirt */
/* Its turn did not come: fails. */
void call_timed_out (Call *call);

/* From here to client_release() the client's next calls wait, in order: a task works on what they may rely
 * on. The client stays valid. */
void client_hold (Client *client);
/* The same, but further calls of @proc do not wait for this one: they find their order by themselves. */
void client_hold_but (Client *client, const Proc *proc);
void client_release (Client *client);

void dispatch_call (RpcCall *rpc, gpointer daemon);
void dispatch_client_new (RpcClient *rpc, gpointer daemon);
void dispatch_client_gone (RpcClient *rpc, gpointer daemon);

/* The row of a number in a program, for tests and for generated docs. */
struct Proc {
    ProcKind kind;
    guint32 program;
    int number;
    const char *name;           /* domain_suspend */
    const char *public_name;    /* virDomainSuspend */
    ApiResult (*run) (Call *call, const void *in, void *out, GError **error);  /* PROC_CALL only */
    xdrproc_t decode, encode;   /* NULL: no arguments, no result */
    gsize in_size, out_size;
    gssize flags_at;            /* offset of flags in the arguments, -1 none */
    guint flags_ok;
    ProcObject object;
    gboolean readonly;          /* allowed on a read-only connection */
    guint readonly_flags;       /* flags that a read-only connection may not use */
    const char *permission;     /* "domain:write" */
    JobKind job;
    ProcState state;
    ErrorOrigin origin;         /* of the errors that dispatch makes */
};
const Proc *proc_find (guint32 program, int number);
