/* SPDX-License-Identifier: LGPL-2.1-or-later */
#pragma once

#include <gio/gio.h>

G_BEGIN_DECLS

/*
 * VmrootContext: the way to every path of this host, to every program it runs, and to its clock.
 *
 * Tests give it a temporary sysroot, a runner that records, a clock that stands still, and a
 * function that is told of each step reached; the programs of vmroot use "/".
 */
typedef struct _VmrootContext VmrootContext;

/* sysroot: NULL is $VMROOT_SYSROOT, which tests of whole programs set, else "/". */
VmrootContext *vmroot_context_new (const gchar *sysroot) G_GNUC_WARN_UNUSED_RESULT;
VmrootContext *vmroot_context_ref (VmrootContext *self);
void vmroot_context_unref (VmrootContext *self);
G_DEFINE_AUTOPTR_CLEANUP_FUNC (VmrootContext, vmroot_context_unref)

/* The absolute path `path` of this host, below the sysroot. */
gchar *vmroot_context_path (VmrootContext *self, const gchar *path) G_GNUC_WARN_UNUSED_RESULT;

/* One of our own programs in libexecdir, by its name. VMROOT_LIBEXEC_DIR in the environment takes
 * the place of libexecdir, for programs that run from the build directory. */
gchar *vmroot_context_program (VmrootContext *self, const gchar *name) G_GNUC_WARN_UNUSED_RESULT;

/* Make the directory `path` of this host, and those above it that are missing, with `mode`. */
gboolean
vmroot_context_make_directory (VmrootContext *self, const gchar *path, guint mode, GError **error);

/* Replace the file `path` of this host, mode 0600, so that a reader, or the next run of a program
 * that was killed, sees the old content or the new one. Not for disks: nothing is synced. */
gboolean vmroot_context_write_file (VmrootContext *self,
                                    const gchar *path,
                                    const gchar *content,
                                    GError **error);

/* The same for what a power cut must not take. */
gboolean vmroot_context_write_durably (VmrootContext *self,
                                       const gchar *path,
                                       const gchar *content,
                                       GError **error);

/* Remove the file `path` of this host; one that is not there is fine. */
gboolean vmroot_context_remove_file (VmrootContext *self, const gchar *path, GError **error);

/*
 * Hold the lock /run/vmroot/locks/NAME, waiting at most 30 seconds for who holds it.
 *
 * Returns a file descriptor, -1 on error. Closing it gives the lock up; so does dying.
 */
int vmroot_context_lock (VmrootContext *self,
                         const gchar *name,
                         GCancellable *cancellable,
                         GError **error) G_GNUC_WARN_UNUSED_RESULT;

/* Give up a lock that nobody may want again, and its file. */
void vmroot_context_unlock_for_good (VmrootContext *self, const gchar *name, int lock);

/* Run a program without a shell, for at most `seconds`, and give back what it printed. */
gboolean vmroot_context_run (VmrootContext *self,
                             const gchar *const *argv,
                             guint seconds,
                             gchar **standard_output,
                             GCancellable *cancellable,
                             GError **error);

/* A main context in which this thread can wait for programs, as the caller's must not be iterated
 * behind its back. It stays until the thread ends: what GLib's own thread has told a context that
 * a program has ended, it looks at that context once more (GLib's issue 803: freed memory was
 * written to, and locks that nobody held were waited for). */
GMainContext *vmroot_context_get_thread_main_context (void);

/* The time, in UTC. */
GDateTime *vmroot_context_now (VmrootContext *self) G_GNUC_WARN_UNUSED_RESULT;

/* Told by each operation, once what it will do next has been recorded, and once it has been done. A
 * test that returns FALSE here, or ends the process, has stopped the operation at that very point.
 */
gboolean vmroot_context_reached (VmrootContext *self, const gchar *point, GError **error);

typedef gboolean (*VmrootContextReachedFunc) (const gchar *point,
                                              gpointer user_data,
                                              GError **error);
typedef gboolean (*VmrootContextRunFunc) (const gchar *const *argv,
                                          gchar **standard_output,
                                          gpointer user_data,
                                          GError **error);

void vmroot_context_set_reached_func (VmrootContext *self,
                                      VmrootContextReachedFunc func,
                                      gpointer user_data);
void
vmroot_context_set_run_func (VmrootContext *self, VmrootContextRunFunc func, gpointer user_data);
void vmroot_context_set_now (VmrootContext *self, GDateTime *now);

G_END_DECLS
