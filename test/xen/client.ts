import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect } from '@jest/globals';
import { packageRoot } from '../support/stubdom.ts';
import type { XenLabWorld } from '../support/xen-lab-world.ts';

/** Our XenStore client in dom0, over both transports: every check holds. Gives the figures. */
export async function clientFits({ lab }: XenLabWorld, daemon: string): Promise<string> {
  const script = 'xen-lab-client-check.ts';
  await copyFile(join(packageRoot, 'test', 'support', script), join(lab.share, script));
  const line = `/opt/stubdom/lib/node /mnt/share/${script} /opt/stubdom/dist/operator ${daemon} /run/xenstored/socket /dev/xen/xenbus`;
  const { code, output } = await lab.exec(line);
  const lines = output.trim().split('\n');
  expect(lines.filter((text) => !/^(ok|figures:) /.test(text))).toEqual([]);
  expect(lines.filter((text) => text.startsWith('ok '))).toHaveLength(24);
  expect(code).toBe(0);
  return lines.filter((text) => text.startsWith('figures:')).join('; ');
}
