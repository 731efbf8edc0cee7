/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* skepd: options, settings, start and end of the daemon. */
#include <errno.h>
#include <fcntl.h>
#include <glib-unix.h>
#include <malloc.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <systemd/sd-daemon.h>

#include "conf/schema.h"
#include "config.h"
#include "driver/daemon.h"
#include "driver/dispatch.h"
#include "driver/held.h"
#include "driver/host_devices.h"
#include "driver/listen.h"
#include "driver/start.h"
#include "driver/store.h"
#include "driver/store_sync.h"
#include "host/cgroup.h"
#include "host/node.h"
#include "security/audit.h"
#include "security/capset.h"
#include "util/error.h"
#include "util/fd.h"
#include "util/file.h"
#include "util/log.h"
#include "util/sdbus.h"
#include "util/task.h"

typedef struct {
    gboolean daemonize, verbose, version, listen_libvirt;
    char *config, *lxc_config, *pid_file, *data_dir;
    char *config_dir, *run_dir, *log_dir, *libvirt_dir, *controller, *helper;
    int timeout;
    int ready_fd; /* to the parent of -d, else -1 */
    int lock_fd, pid_fd;
} Options;

static Options options = { .ready_fd = -1, .lock_fd = -1, .pid_fd = -1 };

static const GOptionEntry option_entries[] = {
    { "daemon", 'd', 0, G_OPTION_ARG_NONE, &options.daemonize, "Run in the background", NULL },
    { "verbose", 'v', 0, G_OPTION_ARG_NONE, &options.verbose, "Log everything", NULL },
    { "config", 'f', 0, G_OPTION_ARG_FILENAME, &options.config, "Read this skepd.conf", "FILE" },
    { "lxc-config", 0, 0, G_OPTION_ARG_FILENAME, &options.lxc_config,
      "Read this lxc.conf (default: beside skepd.conf)", "FILE" },
    { "pid-file", 'p', 0, G_OPTION_ARG_FILENAME, &options.pid_file, "Write the pid there", "FILE" },
    { "timeout", 't', 0, G_OPTION_ARG_INT, &options.timeout,
      "Exit after so long without clients and running domains", "SECONDS" },
    { "version", 'V', 0, G_OPTION_ARG_NONE, &options.version, "Print the version", NULL },
    { "config-dir", 0, 0, G_OPTION_ARG_FILENAME, &options.config_dir, "Definitions", "DIR" },
    { "run-dir", 0, 0, G_OPTION_ARG_FILENAME, &options.run_dir, "Sockets and status", "DIR" },
    { "log-dir", 0, 0, G_OPTION_ARG_FILENAME, &options.log_dir, "Logs of domains", "DIR" },
    { "data-dir", 0, 0, G_OPTION_ARG_FILENAME, &options.data_dir, "Schemas", "DIR" },
    { "controller", 0, 0, G_OPTION_ARG_FILENAME, &options.controller, "skep-controller", "FILE" },
    { "helper", 0, 0, G_OPTION_ARG_FILENAME, &options.helper, "skep-helper", "FILE" },
    { "listen-libvirt", 0, 0, G_OPTION_ARG_NONE, &options.listen_libvirt,
      "Also listen where libvirt's clients look for lxc:///system", NULL },
    { "libvirt-dir", 0, 0, G_OPTION_ARG_FILENAME, &options.libvirt_dir,
      "Directory of virtlxcd-sock", "DIR" },
    { NULL, 0, 0, G_OPTION_ARG_NONE, NULL, NULL, NULL },
};

/* ---- settings: files, then environment (for the build tree), then options */

static void
setting_override (char **setting, const char *option, const char *variable)
{
    const char *value = option ? option : variable ? g_getenv (variable) : NULL;

    if (!value)
        return;
    g_free (*setting);
    *setting = g_canonicalize_filename (value, NULL);
}

static Settings *
settings_load (GError **error)
{
    g_autoptr (Settings) settings = settings_new ();
    const char *file = options.config ? options.config : SKEP_CONF_DIR "/skepd.conf";
    g_autofree char *dir = g_path_get_dirname (file);
    g_autofree char *beside = g_build_filename (dir, "lxc.conf", NULL);

    if (!settings_read (settings, "skepd.conf", file, error)
        || !settings_read (settings, "lxc.conf", options.lxc_config ? options.lxc_config : beside,
                           error))
        return NULL;
    setting_override (&settings->config_dir, options.config_dir, NULL);
    setting_override (&settings->run_dir, options.run_dir, NULL);
    setting_override (&settings->log_dir, options.log_dir, NULL);
    setting_override (&settings->libvirt_dir, options.libvirt_dir, NULL);
    setting_override (&settings->controller, options.controller, "SKEP_CONTROLLER");
    setting_override (&settings->helper, options.helper, "SKEP_HELPER");
    settings->listen_libvirt |= options.listen_libvirt;
    if (options.verbose)
        settings->log_level = LOG_DEBUG_LEVEL;
    if (settings->log_level < LOG_DEBUG_LEVEL || settings->log_level > LOG_ERROR_LEVEL) {
        error_set_from (error, ORIGIN_CONF, ERR_CONF_SYNTAX, "%s: log_level is 1 to 4", file);
        return NULL;
    }
    return g_steal_pointer (&settings);
}

/* Numbers and switches change at a reload; paths, sockets and names stay until a restart, since
 * they are in use. */
static void
settings_take_live (Settings *settings, const Settings *fresh)
{
    for (const SettingRow *row = setting_rows; row->key; row++) {
        char *to = (char *) settings + row->offset;
        const char *from = (const char *) fresh + row->offset;

        if (row->type == SETTING_UINT64)
            memcpy (to, from, sizeof (guint64));
        else if (row->type != SETTING_STRING)
            memcpy (to, from, sizeof (guint));
    }
}

static gboolean
logging_open (const Settings *settings, GError **error)
{
    const char *where = settings->log_outputs;
    LogLevel level = (LogLevel) settings->log_level;

    if (!where && options.daemonize)
        where = g_file_test ("/run/systemd/journal/socket", G_FILE_TEST_EXISTS)
                    ? "journald"
                    : "file:" SKEP_LOG_DIR "/skepd.log";
    if (!where)
        where = g_getenv ("JOURNAL_STREAM") ? "journald" : "stderr";
    if (strcmp (where, "stderr") == 0)
        return log_open (LOG_TO_STDERR, NULL, level, error);
    if (strcmp (where, "journald") == 0)
        return log_open (LOG_TO_JOURNAL, NULL, level, error);
    if (g_str_has_prefix (where, "file:/"))
        return log_open (LOG_TO_FILE, where + strlen ("file:"), level, error);
    return error_set_from (error, ORIGIN_CONF, ERR_CONF_SYNTAX,
                           "log_outputs: '%s' is not stderr, journald or file:/PATH", where);
}

/* ---- one daemon a run directory */

#define LOCK_PATIENCE_MS 30000
#define LOCK_POLL_MS 10

/* A process that ends is no longer seen to run before the last of its threads lets go of its files, on a busy
 * machine long before. Who starts the next daemon at that sight finds the lock still held: it is waited for. */
static gboolean
lock_wait (int fd, const char *path, GError **error)
{
    for (int waited = 0; ; waited += LOCK_POLL_MS) {
        struct flock lock = { .l_type = F_WRLCK, .l_whence = SEEK_SET };

        if (fcntl (fd, F_SETLK, &lock) == 0)
            return TRUE;
        if ((errno != EAGAIN && errno != EACCES) || fcntl (fd, F_GETLK, &lock) < 0)
            return error_set_errno (error, errno, "Cannot lock pid file '%s'", path);
        if (lock.l_type == F_UNLCK)
            continue;
        /* 0: of another pid namespace */
        if (lock.l_pid <= 0 || !node_process_ending (lock.l_pid) || waited >= LOCK_PATIENCE_MS)
            return error_set (error, ERR_OPERATION_FAILED, "another skepd runs here: '%s' is locked by process %d",
                              path, (int) lock.l_pid);
        g_usleep (LOCK_POLL_MS * 1000);
    }
}

/* Opens, locks and fills @path; the lock lasts as long as the descriptor. */
static int
pid_file_lock (const char *path, GError **error)
{
    g_autofree char *text = g_strdup_printf ("%d\n", (int) getpid ());
    autofd int fd = open (path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0644);

    if (fd < 0) {
        error_set_errno (error, errno, "Cannot open pid file '%s'", path);
        return -1;
    }
    if (!lock_wait (fd, path, error))
        return -1;
    if (ftruncate (fd, 0) < 0 || fd_write_all (fd, text, strlen (text)) < 0) {
        error_set_errno (error, errno, "Cannot write pid file '%s'", path);
        return -1;
    }
    return fd_steal (&fd);
}

static gboolean
directories_prepare (const Settings *settings, GError **error)
{
    g_autofree char *lock = g_build_filename (settings->run_dir, "driver.pid", NULL);

    if (!store_make_dirs (error))
        return FALSE;
    options.lock_fd = pid_file_lock (lock, error);
    if (options.lock_fd < 0)
        return FALSE;
    if (!options.pid_file)
        return TRUE;
    options.pid_fd = pid_file_lock (options.pid_file, error);
    return options.pid_fd >= 0;
}

/* ---- start */

/* For -d: returns in the child only. The parent waits until the child is ready, and exits as it
 * says. */
static gboolean
go_to_background (GError **error)
{
    int pipe_fds[2];
    char ok = 1;
    int null;

    if (pipe2 (pipe_fds, O_CLOEXEC) < 0)
        return error_set_errno (error, errno, "Cannot make a pipe");
    switch (fork ()) { /* no thread and no state yet */
    case -1:
        return error_set_errno (error, errno, "Cannot fork");
    case 0:
        break;
    default:
        close (pipe_fds[1]);
        if (read (pipe_fds[0], &ok, 1) != 1)
            ok = 1;
        _exit (ok);
    }
    close (pipe_fds[0]);
    options.ready_fd = pipe_fds[1];
    setsid ();
    null = open ("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0 || dup2 (null, STDIN_FILENO) < 0 || dup2 (null, STDOUT_FILENO) < 0)
        return error_set_errno (error, errno, "Cannot open /dev/null");
    close (null);
    return TRUE;
}

static void
tell_ready (void)
{
    char ok = 0;

    sd_notify (0, "READY=1\nSTATUS=Serving");
    if (options.ready_fd < 0)
        return;
    if (chdir ("/") < 0) /* only now: paths of options are relative to where we were started */
        log_warning ("Cannot go to /: %s", g_strerror (errno));
    if (write (options.ready_fd, &ok, 1) == 1) /* else nobody waits, and stderr may be a log */
        dup2 (STDOUT_FILENO, STDERR_FILENO);
    close (options.ready_fd);
    options.ready_fd = -1;
}

/* Each client, console and container costs descriptors. */
static void
raise_descriptor_limit (void)
{
    struct rlimit limit;

    if (getrlimit (RLIMIT_NOFILE, &limit) < 0)
        return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit (RLIMIT_NOFILE, &limit);
}

static gboolean
host_prepare (Daemon *daemon, GError **error)
{
    const Settings *settings = daemon->settings;
    g_autofree char *config = g_path_get_dirname (settings->config_dir);    /* /etc/skep */

    if (!cgroup_host_detect (error)
        || !audit_trail_open ((AuditLevel) settings->audit_level, settings->audit_logging, error))
        return FALSE;
    label_drivers_configure (config);
    daemon->labels = label_driver_open (settings->security_driver, error);
    if (!daemon->labels)
        return FALSE;
    log_info ("security driver: %s", daemon->labels->model);
    daemon->cap_last = capset_kernel_last ();
    daemon->host_uuid = settings->host_uuid ? g_strdup (settings->host_uuid) : node_host_uuid ();
    daemon->defaults = (DomainDefaults) {
        .arch = node_arch (),
        .arch32 = node_arch32 (),
        .emulator = settings->controller,
        .label_model = daemon->labels->model,
    };
    return TRUE;
}

static void
rpc_prepare (Daemon *daemon)
{
    const Settings *settings = daemon->settings;
    const RpcLimits limits = {
        .max_clients = settings->max_clients,
        .max_client_requests = settings->max_client_requests,
        .keepalive_ms = settings->keepalive_interval * (gint64) 1000,
        .keepalive_count = settings->keepalive_count,
        .max_client_output = 64 * 1024 * 1024,
    };
    const RpcHandlers handlers = { dispatch_call, dispatch_client_new, dispatch_client_gone };

    daemon->rpc = rpc_server_new (&limits, &handlers, daemon);
    rpc_server_add_program (daemon->rpc, RPC_PROGRAM_REMOTE, 1);
    rpc_server_add_program (daemon->rpc, RPC_PROGRAM_LXC, 1);
    rpc_server_add_program (daemon->rpc, RPC_PROGRAM_QEMU, 1);
    rpc_server_add_program (daemon->rpc, RPC_PROGRAM_SKEP, 1);
}

static gboolean
daemon_start (Daemon *daemon, GError **error)
{
    daemon->settings = settings_load (error);
    if (!daemon->settings || !logging_open (daemon->settings, error)
        || !directories_prepare (daemon->settings, error))
        return FALSE;
    log_info ("skepd %s starts, pid %d", SKEP_VERSION, (int) getpid ());
    if (options.data_dir)
        schema_set_directory (options.data_dir);
    if (!host_prepare (daemon, error))
        return FALSE;
    daemon->domains = domain_list_new ();
    rpc_prepare (daemon);
    /* clients must see the definitions and the containers that run, so sockets come last */
    store_load (daemon->domains);
    host_images_recover ();
    domains_readopt (daemon->domains);
    if (!daemon_listen (daemon, error))
        return FALSE;
    tell_ready ();
    domains_autostart (daemon->domains);
    return TRUE;
}

/* ---- signals, idleness, end */

static gboolean
on_end_signal (gpointer daemon)
{
    g_main_loop_quit (((Daemon *) daemon)->loop);
    return G_SOURCE_CONTINUE;
}

static gboolean
on_reload_signal (gpointer data)
{
    Daemon *daemon = data;
    g_autoptr (GError) error = NULL;
    g_autoptr (Settings) fresh = NULL;
    g_autofree char *state = g_strdup_printf ("RELOADING=1\nMONOTONIC_USEC=%" G_GINT64_FORMAT,
                                              g_get_monotonic_time ());

    sd_notify (0, state);
    fresh = settings_load (&error);
    if (fresh) {
        settings_take_live (daemon->settings, fresh);
        log_set_level ((LogLevel) daemon->settings->log_level);
    } else
        log_error ("settings stay as they were: %s", error->message);
    g_clear_error (&error);
    if (!log_reopen (&error))
        log_error ("%s", error->message);
    store_reload (daemon->domains);
    log_info ("reloaded");
    sd_notify (0, "READY=1");
    return G_SOURCE_CONTINUE;
}

static void
note_active (Domain *domain, gpointer data)
{
    *(gboolean *) data |= domain_active (domain);
}

/* Once a second with --timeout. */
static gboolean
on_idle_check (gpointer data)
{
    static int idle;
    Daemon *daemon = data;
    gboolean busy = rpc_server_n_clients (daemon->rpc) > 0;

    domain_list_each (daemon->domains, note_active, &busy);
    idle = busy ? 0 : idle + 1;
    if (idle >= options.timeout) {
        log_info ("nobody needed me for %d seconds", options.timeout);
        g_main_loop_quit (daemon->loop);
    }
    return G_SOURCE_CONTINUE;
}

#define DRAIN_MS 30000

/* Containers live on: their controllers are processes of their own. Also after half a start. */
static void
daemon_end (Daemon *daemon)
{
    sd_notify (0, "STOPPING=1");
    log_info ("skepd ends");
    /* before the clients go: their going must not destroy anything now */
    if (daemon->domains)
        domains_release (daemon->domains);
    g_clear_pointer (&daemon->rpc, rpc_server_free);
    store_sync_now ();
    if (!task_drain_for (DRAIN_MS))
        log_warning ("what waits for a file system or a server that does not answer is given up");
    g_clear_pointer (&daemon->domains, domain_list_free);
    audit_trail_close ();
    sdbus_close ();
    g_clear_pointer (&daemon->settings, settings_free);
    g_clear_pointer (&daemon->host_uuid, g_free);
    if (options.pid_fd >= 0)
        unlink (options.pid_file);
}

static int
daemon_run (Daemon *daemon)
{
    g_autoptr (GError) error = NULL;
    gboolean started;

    /* One heap for all threads. They take and give little, but each of up to sixteen heaps would keep what it
     * once had: half of all memory after a storm. */
    mallopt (M_ARENA_MAX, 1);
    raise_descriptor_limit ();
    signal (SIGPIPE, SIG_IGN);
    daemon->loop = g_main_loop_new (NULL, FALSE);
    held_watch_turns ();
    /* before anything that takes time, so that an early signal is not lost */
    g_unix_signal_add (SIGTERM, on_end_signal, daemon);
    g_unix_signal_add (SIGINT, on_end_signal, daemon);
    g_unix_signal_add (SIGHUP, on_reload_signal, daemon);
    started = daemon_start (daemon, &error);
    if (!started)
        log_error ("skepd cannot start: %s", error->message);
    else if (options.timeout > 0)
        g_timeout_add_seconds (1, on_idle_check, daemon);
    if (started)
        g_main_loop_run (daemon->loop);
    daemon_end (daemon);
    g_main_loop_unref (daemon->loop);
    return started ? EXIT_SUCCESS : EXIT_FAILURE;
}

int
main (int argc, char **argv)
{
    g_autoptr (GOptionContext) context
        = g_option_context_new ("- run Linux containers the libvirt way");
    g_autoptr (GError) error = NULL;

    g_option_context_add_main_entries (context, option_entries, NULL);
    if (!g_option_context_parse (context, &argc, &argv, &error)) {
        g_printerr ("skepd: %s\n", error->message);
        return EXIT_FAILURE;
    }
    if (argc > 1) {
        g_printerr ("skepd: unexpected argument '%s'\n", argv[1]);
        return EXIT_FAILURE;
    }
    if (options.version) {
        g_print ("skepd (Skep) %s\n", SKEP_VERSION);
        return EXIT_SUCCESS;
    }
    umask (0022);
    if (options.daemonize && !go_to_background (&error)) {
        g_printerr ("skepd: %s\n", error->message);
        return EXIT_FAILURE;
    }
    return daemon_run (&daemon_state);
}
