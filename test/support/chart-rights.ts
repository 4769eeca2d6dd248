import type { AuditEvent } from './chart-cluster.ts';

/** A right, as `verb resource` with the group behind a dot: `patch stubdomains.stubdom.io/status`. */
export type Right = string;

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly verbs: readonly string[];
}

interface Subject {
  readonly kind: string;
  readonly name: string;
  readonly namespace?: string;
}

/** An object of RBAC, as the chart renders it. */
export interface RbacObject {
  readonly kind: string;
  readonly metadata: { readonly name: string; readonly namespace?: string };
  readonly rules?: readonly Rule[];
  readonly subjects?: readonly Subject[];
  readonly roleRef?: { readonly kind: string; readonly name: string };
}

function rightOf(verb: string, group: string, resource: string): Right {
  const [plural = '', subresource] = resource.split('/');
  return `${verb} ${plural}${group === '' ? '' : `.${group}`}${subresource === undefined ? '' : `/${subresource}`}`;
}

/** All rights that the bindings give to a ServiceAccount. */
export function grantedTo(account: string, objects: readonly RbacObject[]): Set<Right> {
  const roles = objects
    .filter(({ subjects }) => subjects?.some(({ kind, name }) => kind === 'ServiceAccount' && name === account))
    .map(({ roleRef }) =>
      objects.find(({ kind, metadata }) => kind === roleRef?.kind && metadata.name === roleRef.name),
    );
  const rights = roles
    .flatMap((role) => role?.rules ?? [])
    .flatMap(({ apiGroups, resources, verbs }) =>
      apiGroups.flatMap((group) =>
        resources.flatMap((resource) => verbs.map((verb) => rightOf(verb, group, resource))),
      ),
    );
  return new Set(rights);
}

/** The rights that a user's requests took, and the requests that were refused for want of one. */
export function usedBy(user: string, log: readonly AuditEvent[]): { used: Set<Right>; refused: Set<Right> } {
  const used = new Set<Right>();
  const refused = new Set<Right>();
  for (const { user: who, verb, objectRef, responseStatus, annotations } of log) {
    if (who.username !== user || objectRef?.resource === undefined) continue;
    const { apiGroup = '', resource, subresource } = objectRef;
    const path = subresource === undefined ? resource : `${resource}/${subresource}`;
    const right = rightOf(verb, apiGroup, path);
    used.add(right);
    // An apply that makes the object takes the right to create it, too.
    if (verb === 'patch' && responseStatus?.code === 201) used.add(rightOf('create', apiGroup, path));
    if (annotations?.['authorization.k8s.io/decision'] === 'forbid') refused.add(right);
  }
  return { used, refused };
}
