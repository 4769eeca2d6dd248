import type { StubDomainSpec } from '../../api/generated/stub-domain.ts';
import type { PlanNode } from '../plan-node.ts';
import { devicePair } from './device-pair.ts';

type Graphics = NonNullable<StubDomainSpec['graphics']>;

/** Both ends of the PV frame buffer and of the PV keyboard, each number 0 (libxl__device_vfb_add, …vkb_add). */
export function graphicsNodes(stub: number, graphics: Graphics): PlanNode[] {
  const vnc = graphics.type === 'VNC';
  const backend = {
    vnc: vnc ? '1' : '0',
    ...(vnc ? { vnclisten: graphics.listen, vncdisplay: '0', vncunused: '1' } : {}),
    ...(graphics.keymap === undefined ? {} : { keymap: graphics.keymap }),
    sdl: vnc ? '0' : '1',
  };
  return [
    ...devicePair({ kind: 'vfb', stub, device: 0, backend, frontend: {} }),
    ...devicePair({ kind: 'vkbd', stub, device: 0, backend: {}, frontend: {} }),
  ];
}
