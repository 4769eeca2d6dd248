import { isSavePath } from '../../hypervisor/save-path.ts';
import { type ActContext, objectOf } from './context.ts';

/**
 * Whether the state that the stub domain shall start from is there; if not, it is tried again later. Without it the stub
 * domain would die at its start. A file outside of /var/lib/xen is not looked at.
 */
export async function canRestore(context: ActContext): Promise<boolean> {
  const { hypervisor, memory, snapshot } = context;
  const { spec, metadata } = objectOf(context);
  const path = spec.restoreFrom?.path;
  if (path === undefined || !isSavePath(path)) return true;
  const known = snapshot.memory.attempts.get(metadata.uid)?.reason === 'RestoreFileMissing';
  const file = await hypervisor.inspectFile(path);
  if (file !== undefined && file.size > 0) {
    if (known) memory.succeeded(metadata.uid);
    return true;
  }
  memory.failed(metadata.uid, 'RestoreFileMissing', snapshot.now);
  if (!known) {
    context.happened({
      uid: metadata.uid,
      type: 'Warning',
      reason: 'RestoreFileMissing',
      message: `There is nothing to restore from: ${path} is ${file === undefined ? 'not there' : 'empty'}`,
    });
  }
  return false;
}
