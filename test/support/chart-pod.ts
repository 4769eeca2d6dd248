import { join } from 'node:path';
import { loadAll } from 'js-yaml';
import type { ContainerOptions } from './image.ts';
import type { Helm } from './helm.ts';
import { packageRoot } from './stubdom.ts';

interface HostPathVolume {
  readonly name: string;
  readonly hostPath?: { readonly path: string };
}

interface PodSpec {
  readonly hostPID?: boolean;
  readonly securityContext: { readonly runAsUser: number; readonly runAsGroup: number };
  readonly volumes?: readonly HostPathVolume[];
  readonly containers: readonly [
    {
      readonly args: readonly string[];
      readonly env?: readonly { readonly name: string; readonly value?: string }[];
      readonly resources: { readonly limits: { readonly memory: string } };
      readonly securityContext: {
        readonly readOnlyRootFilesystem: boolean;
        readonly capabilities: { readonly drop: readonly string[]; readonly add?: readonly string[] };
      };
      readonly volumeMounts?: readonly {
        readonly name: string;
        readonly mountPath: string;
        readonly readOnly?: boolean;
      }[];
    },
  ];
}

/** What a kubelet would run. */
export interface ChartPod {
  readonly args: readonly string[];
  readonly options: ContainerOptions;
  readonly memoryLimitMiB: number;
  readonly readOnlyRoot: boolean;
  /** Capabilities that are dropped and added. */
  readonly capabilities: { readonly drop: readonly string[]; readonly add?: readonly string[] };
}

/** What the cluster and the host give to a pod. */
export interface PodSurroundings {
  /** The folder with `token`, `ca.crt` and `namespace`. */
  readonly account: string;
  readonly apiServerPort: number;
  readonly nodeName: string;
  /** What stands for a folder of the host. */
  hostPath(path: string): string;
}

/** The pods of the chart's controller and agent, rendered by helm with `values` over the chart's own. */
export async function chartPods(
  helm: Helm,
  values: Readonly<Record<string, string>>,
  surroundings: PodSurroundings,
): Promise<{ readonly controller: ChartPod; readonly agent: ChartPod }> {
  const set = Object.entries(values).flatMap(([key, value]) => ['--set', `${key}=${value}`]);
  const chart = join(packageRoot, 'charts', 'stubdom-operator');
  const rendered = await helm.ok(['template', 'stubdom', chart, '-n', 'stubdom-system', ...set]);
  const objects = loadAll(rendered) as { kind: string; spec: { template: { spec: PodSpec } } }[];
  const pod = (kind: string): ChartPod => {
    const spec = objects.find((object) => object.kind === kind)?.spec.template.spec;
    if (spec === undefined) throw new Error(`the chart has no ${kind}`);
    return podOf(spec, surroundings);
  };
  return { controller: pod('Deployment'), agent: pod('DaemonSet') };
}

function podOf(spec: PodSpec, surroundings: PodSurroundings): ChartPod {
  const [container] = spec.containers;
  const { securityContext } = container;
  const volumes = (container.volumeMounts ?? []).map(({ name, mountPath, readOnly }) => {
    const source = spec.volumes?.find((volume) => volume.name === name)?.hostPath?.path ?? '';
    return `${surroundings.hostPath(source)}:${mountPath}:${readOnly === true ? 'ro' : 'rw'}`;
  });
  return {
    args: container.args.map((arg) => arg.replace('$(NODE_NAME)', surroundings.nodeName)),
    options: {
      user: `${spec.securityContext.runAsUser}:${spec.securityContext.runAsGroup}`,
      volumes: [`${surroundings.account}:/var/run/secrets/kubernetes.io/serviceaccount:ro`, ...volumes],
      env: {
        ...Object.fromEntries((container.env ?? []).map(({ name, value }) => [name, value ?? surroundings.nodeName])),
        KUBERNETES_SERVICE_HOST: '127.0.0.1',
        KUBERNETES_SERVICE_PORT: String(surroundings.apiServerPort),
      },
      hostPid: spec.hostPID === true,
    },
    memoryLimitMiB: Number(/^(\d+)Mi$/.exec(container.resources.limits.memory)?.[1]),
    readOnlyRoot: securityContext.readOnlyRootFilesystem,
    capabilities: securityContext.capabilities,
  };
}
