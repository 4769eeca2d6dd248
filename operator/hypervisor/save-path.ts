/** Where toolstacks keep device models' states (libxl: /var/lib/xen/qemu-save.<domid>). */
const directory = '/var/lib/xen/';

const maxPath = 1024;

/**
 * Whether the agent may look at a file of dom0: a saved state below /var/lib/xen, spelled plainly. A path may come from a
 * spec, and whether any other file exists is nobody's business.
 */
export function isSavePath(path: string): boolean {
  if (path.length > maxPath || !path.startsWith(directory)) return false;
  return path
    .slice(directory.length)
    .split('/')
    .every((name) => /^[A-Za-z0-9_+-][A-Za-z0-9._+-]*$/.test(name));
}
