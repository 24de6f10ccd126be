/* SPDX-License-Identifier: LGPL-2.1-or-later */

/* The address of an NFS server that is described by its name. */

#include "config.h"

#include <string.h>

#include "vmroot-error.h"
#include "vmroot-ip-address-private.h"
#include "vmroot-nfs-mount-private.h"
#include "vmroot-spec.h"
#include "vmroot-translation-private.h"

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
      g_set_error (
          error, VMROOT_ERROR, VMROOT_ERROR_INVALID_SPEC,
          _ ("The NFS server “%s” has no address that the guest can reach: %s. Correct the name, "
             "or give the address"),
          name, local_error != NULL ? local_error->message : _ ("this host takes it for itself"));
      return FALSE;
    }

  vmroot_spec_set_server (self, address);
  return TRUE;
}
