import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { HypervisorError } from '../hypervisor.ts';

const maxBytes = 65_536;

/**
 * The text of the host's own lines for all guests, written by its administrator; empty if there is no such file. Whoever
 * writes it decides which kernel runs beside each guest, and may have programs run as root, so that a file which anybody
 * but root could have written is refused (`Unavailable`).
 */
export async function readGuestDefaults(path: string): Promise<string> {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = constants;
  let file;
  try {
    file = await open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  } catch (error) {
    const { code } = error as { code?: unknown };
    if (code === 'ENOENT' || code === 'ENOTDIR') return '';
    throw refused(path, code === 'ELOOP' ? 'it is a link' : 'it cannot be opened');
  }
  try {
    const facts = await file.stat();
    if (!facts.isFile()) throw refused(path, 'it is no regular file');
    if (facts.uid !== 0 && facts.uid !== process.geteuid?.()) throw refused(path, 'it does not belong to root');
    if ((facts.mode & 0o022) !== 0) throw refused(path, 'others than root may write it');
    if (facts.size > maxBytes) throw refused(path, `it has more than ${maxBytes} bytes`);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(maxBytes), 0, maxBytes, 0);
    return buffer.toString('utf8', 0, bytesRead);
  } finally {
    await file.close();
  }
}

function refused(path: string, why: string): HypervisorError {
  return new HypervisorError(
    'Unavailable',
    `No guest is made with the defaults in ${path}: ${why}. Make it a regular file of root that nobody else can write (chown root:root, chmod 644), or remove it.`,
  );
}
