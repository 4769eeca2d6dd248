import type { Transport } from '../../kube/transport.ts';
import { leaseNamespace } from '../../api/names.ts';
import { type Check, fail, ok } from './doctor-check.ts';
import type { Role } from './doctor.ts';

/** Verbs on resources of one group, in all namespaces or in that of the Leases. */
export interface Permission {
  readonly group: string;
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
  readonly namespace?: string;
}

const group = 'stubdom.io';
const kinds = ['stubdomains', 'pciattachments', 'xenhosts'];
const statuses = kinds.map((kind) => `${kind}/status`);
const coordination = { group: 'coordination.k8s.io', resources: ['leases'], namespace: leaseNamespace };

/** What each role needs. A program's are those of the chart's RBAC. */
export const permissionsOf: Readonly<Record<Role, readonly Permission[]>> = {
  viewer: [
    { group, resources: kinds, verbs: ['list'] },
    { ...coordination, verbs: ['list'] },
  ],
  controller: [
    { group, resources: ['stubdomains', 'pciattachments'], verbs: ['get', 'list', 'watch', 'patch'] },
    { group, resources: ['xenhosts'], verbs: ['list', 'watch'] },
    { group, resources: statuses, verbs: ['patch'] },
    { group: '', resources: ['events'], verbs: ['get', 'create', 'patch'] },
    { ...coordination, verbs: ['get', 'list', 'watch', 'create', 'update'] },
  ],
  agent: [
    { group, resources: ['stubdomains', 'pciattachments'], verbs: ['get', 'list', 'watch', 'patch'] },
    { group, resources: ['xenhosts'], verbs: ['get', 'list', 'watch', 'create', 'patch'] },
    { group, resources: statuses, verbs: ['patch'] },
    { group: '', resources: ['events'], verbs: ['get', 'create', 'patch'] },
    { ...coordination, verbs: ['get', 'create', 'update'] },
  ],
};

interface Review {
  readonly status?: { readonly allowed?: unknown };
}

async function isAllowed(transport: Transport, attributes: object): Promise<boolean> {
  const apiVersion = 'authorization.k8s.io/v1';
  const bytes = await transport.request({
    method: 'POST',
    path: `/apis/${apiVersion}/selfsubjectaccessreviews`,
    contentType: 'application/json',
    body: JSON.stringify({
      apiVersion,
      kind: 'SelfSubjectAccessReview',
      spec: { resourceAttributes: attributes },
    }),
    what: 'review permissions',
  });
  return (JSON.parse(bytes.toString('utf8')) as Review).status?.allowed === true;
}

/** Asks the API server what the kubeconfig's user may do of what the role needs. Throws what the requests throw. */
export async function checkPermissions(transport: Transport, role: Role): Promise<Check> {
  const wanted = permissionsOf[role].flatMap((permission) =>
    permission.resources.flatMap((name) => permission.verbs.map((verb) => ({ permission, name, verb }))),
  );
  const answers = await Promise.all(
    wanted.map(async ({ permission: { group: inGroup, namespace }, name, verb }) => {
      const [resource = '', subresource] = name.split('/');
      return isAllowed(transport, {
        group: inGroup,
        resource,
        verb,
        ...(subresource === undefined ? {} : { subresource }),
        ...(namespace === undefined ? {} : { namespace }),
      });
    }),
  );
  const missing = wanted.filter((_, index) => answers[index] !== true).map(({ name, verb }) => `${verb} ${name}`);
  if (missing.length === 0) return ok('permissions', `All ${String(wanted.length)} of the role ${role} are there.`);
  return fail(
    'permissions',
    `The user of the kubeconfig may not ${missing.join(', ')}: the role ${role} needs that.`,
    role === 'viewer'
      ? 'Use another kubeconfig, or bind the user to a role that may read stubdom.io and the Leases.'
      : `Bind the user to the ClusterRole and the Role of the ${role}; the chart has both.`,
  );
}
