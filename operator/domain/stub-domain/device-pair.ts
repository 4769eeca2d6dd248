import { type BackendKind, backendPath, frontendPath, libxlPath } from '../locations.ts';
import { type PlanNode, nodesBelow, ownedBy } from '../plan-node.ts';
import { xenbusState } from '../xenbus.ts';

const initialising = String(xenbusState.initialising);

export interface DevicePair {
  readonly kind: BackendKind;
  readonly stub: number;
  readonly device: number;
  readonly backend: Readonly<Record<string, string>>;
  readonly frontend: Readonly<Record<string, string>>;
}

/**
 * Both ends of one PV device, as libxl lays them out (libxl_device.c): the back end is dom0's and the stub domain may
 * read it; the front end is the stub domain's and dom0 may read it, so that nothing there is to be believed later.
 */
export function devicePair(pair: DevicePair): PlanNode[] {
  const { kind, stub, device } = pair;
  const back = backendPath(kind, stub, device);
  const front = frontendPath(kind, stub, device);
  const note = `${libxlPath(stub)}/device/${kind}/${device}`;
  return [
    { path: front, permissions: ownedBy(stub, 0) },
    ...nodesBelow(front, { backend: back, 'backend-id': '0', ...pair.frontend }, { state: initialising }),
    { path: back, permissions: ownedBy(0, stub) },
    ...nodesBelow(
      back,
      { frontend: front, 'frontend-id': String(stub), ...pair.backend },
      { online: '1', state: initialising },
    ),
    ...nodesBelow(note, { backend: back, frontend: front }),
  ];
}
