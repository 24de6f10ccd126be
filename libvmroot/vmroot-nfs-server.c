/* SPDX-License-Identifier: LGPL-2.1-or-later */

#include "config.h"

#include <string.h>

#include "vmroot-error.h"
#include "vmroot-ip-address-private.h"
#include "vmroot-nfs-mount-private.h"
#include "vmroot-nfs-server-private.h"

/* The words of RFC 5531 (RPC) and RFC 7862 (NFS 4.2), each of 32 bits. */
#define LAST_FRAGMENT 0x80000000u
#define CALL 0
#define REPLY 1
#define RPC_VERSION 2
#define NFS_PROGRAM 100003
#define NFS_VERSION 4
#define PROCEDURE_COMPOUND 1
#define MSG_ACCEPTED 0
#define SUCCESS 0
#define PROG_UNAVAIL 1
#define PROG_MISMATCH 2
#define MINOR_VERSION 2
#define NFS4ERR_MINOR_VERS_MISMATCH 10021

#define REQUEST_ID 0x766d726f

/* In a reply to a call without credentials, whose verifier is empty. */
enum
{
  REPLY_ID,
  REPLY_TYPE,
  REPLY_STATUS,
  REPLY_VERIFIER_FLAVOR,
  REPLY_VERIFIER_LENGTH,
  REPLY_ACCEPT_STATUS,
  REPLY_NFS_STATUS,
  N_REPLY_WORDS,
};

static gboolean
send_call (GOutputStream *output, GCancellable *cancellable, GError **error)
{
  guint32 words[] = {
    0, /* the length of what follows */
    REQUEST_ID,
    CALL,
    RPC_VERSION,
    NFS_PROGRAM,
    NFS_VERSION,
    PROCEDURE_COMPOUND,
    0,
    0, /* credentials: none, of no length */
    0,
    0, /* verifier: the same */
    0, /* the length of the call's tag */
    MINOR_VERSION,
    0, /* operations */
  };

  words[0] = LAST_FRAGMENT | (sizeof words - sizeof *words);
  for (guint i = 0; i < G_N_ELEMENTS (words); i++)
    words[i] = GUINT32_TO_BE (words[i]);

  return g_output_stream_write_all (output, words, sizeof words, NULL, cancellable, error);
}

/* Words that a short reply does not have are zero. */
static gboolean
read_reply (GInputStream *input, guint32 *words, GCancellable *cancellable, GError **error)
{
  guint32 head = 0;
  gsize length = 0;

  if (!g_input_stream_read_all (input, &head, sizeof head, NULL, cancellable, error))
    return FALSE;
  length = MIN (GUINT32_FROM_BE (head) & ~LAST_FRAGMENT, N_REPLY_WORDS * sizeof *words);
  if (!g_input_stream_read_all (input, words, length, NULL, cancellable, error))
    return FALSE;
  for (guint i = 0; i < N_REPLY_WORDS; i++)
    words[i] = GUINT32_FROM_BE (words[i]);

  if (words[REPLY_ID] == REQUEST_ID && words[REPLY_TYPE] == REPLY)
    return TRUE;
  g_set_error_literal (error, VMROOT_ERROR, VMROOT_ERROR_FAILED, "what answers is no NFS server");
  return FALSE;
}

static gboolean
is_refusal (const guint32 *words)
{
  if (words[REPLY_STATUS] != MSG_ACCEPTED)
    return FALSE;

  return words[REPLY_ACCEPT_STATUS] == PROG_UNAVAIL ||
         words[REPLY_ACCEPT_STATUS] == PROG_MISMATCH ||
         (words[REPLY_ACCEPT_STATUS] == SUCCESS &&
          words[REPLY_NFS_STATUS] == NFS4ERR_MINOR_VERS_MISMATCH);
}

gboolean
vmroot_nfs_server_ask (const gchar *address,
                       guint seconds,
                       gboolean *refuses,
                       GCancellable *cancellable,
                       GError **error)
{
  g_autoptr (GSocketConnectable) server = g_network_address_new (address, VMROOT_NFS_SERVER_PORT);
  g_autoptr (GSocketClient) client =
      g_object_new (G_TYPE_SOCKET_CLIENT, "enable-proxy", FALSE, "timeout", seconds, NULL);
  g_autoptr (GSocketConnection) connection =
      g_socket_client_connect (client, server, cancellable, error);
  GIOStream *stream = G_IO_STREAM (connection);
  guint32 words[N_REPLY_WORDS] = { 0 };

  if (connection == NULL ||
      !send_call (g_io_stream_get_output_stream (stream), cancellable, error) ||
      !read_reply (g_io_stream_get_input_stream (stream), words, cancellable, error))
    return FALSE;

  *refuses = is_refusal (words);
  return TRUE;
}

/* Whom the guest can reach by IPv4 or IPv6, if its other addresses say by which. */
static GResolverNameLookupFlags
wanted_addresses (VmrootSpec *spec)
{
  if (vmroot_spec_get_address (spec) == NULL && vmroot_spec_get_gateway (spec) == NULL)
    return G_RESOLVER_NAME_LOOKUP_FLAGS_DEFAULT;

  return vmroot_nfs_mount_is_ipv6 (spec) ? G_RESOLVER_NAME_LOOKUP_FLAGS_IPV6_ONLY
                                         : G_RESOLVER_NAME_LOOKUP_FLAGS_IPV4_ONLY;
}

/* The first that others than this host can reach, of IPv4 if there is one. */
static gchar *
choose_address (GList *addresses)
{
  g_autofree gchar *chosen = NULL;

  for (GList *l = addresses; l != NULL; l = l->next)
    {
      g_autofree gchar *text = g_inet_address_to_string (l->data);
      VmrootIpAddress address;

      if (!vmroot_ip_address_parse (text, &address) || !vmroot_ip_address_is_routable (&address))
        continue;
      if (!vmroot_ip_address_is_ipv6 (&address))
        return g_steal_pointer (&text);
      if (chosen == NULL)
        chosen = g_steal_pointer (&text);
    }

  return g_steal_pointer (&chosen);
}

/**
 * vmroot_spec_resolve_server:
 * @self: a specification
 * @cancellable: (nullable): to stop
 * @error: return location
 *
 * Puts an address in the place of a name in [property@Vmroot.Spec:server].
 *
 * A guest mounts its root before it can ask for names, and the kernel's command line and the
 * packet filter hold addresses, too. So a server that gets another address is described anew.
 * Where the guest's own addresses do not say which kind it needs, one of IPv4 is preferred.
 *
 * Blocks until the name service has answered. An address, or none, is left as it is.
 *
 * Returns: %FALSE if the name has no address that a guest could reach
 *
 * Since: 1.0
 */
gboolean
vmroot_spec_resolve_server (VmrootSpec *self, GCancellable *cancellable, GError **error)
{
  const gchar *name;
  g_autoptr (GResolver) resolver = g_resolver_get_default ();
  g_autolist (GInetAddress) addresses = NULL;
  g_autofree gchar *address = NULL;
  g_autoptr (GError) local_error = NULL;

  g_return_val_if_fail (VMROOT_IS_SPEC (self), FALSE);
  g_return_val_if_fail (cancellable == NULL || G_IS_CANCELLABLE (cancellable), FALSE);
  g_return_val_if_fail (error == NULL || *error == NULL, FALSE);

  name = vmroot_spec_get_server (self);
  /* Resolvers take 10.1 for 10.0.0.1; that it is no address, vmroot_spec_validate() says. */
  if (name == NULL || strchr (name, ':') != NULL || name[strspn (name, "0123456789.")] == '\0')
    return TRUE;

  addresses = g_resolver_lookup_by_name_with_flags (resolver, name, wanted_addresses (self),
                                                    cancellable, &local_error);
  if (g_error_matches (local_error, G_IO_ERROR, G_IO_ERROR_CANCELLED))
    {
      g_propagate_error (error, g_steal_pointer (&local_error));
      return FALSE;
    }
  address = choose_address (addresses);
  if (address == NULL)
    {
      g_set_error (error, VMROOT_ERROR, VMROOT_ERROR_INVALID_SPEC,
                   "The NFS server “%s” has no address that the guest can reach: %s. Correct the "
                   "name, or give the address",
                   name,
                   local_error != NULL ? local_error->message : "this host takes it for itself");
      return FALSE;
    }

  vmroot_spec_set_server (self, address);
  return TRUE;
}
