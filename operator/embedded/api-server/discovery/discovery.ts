import { createHash } from 'node:crypto';
import { groupVersionOf, type JsonObject, type ServedResource } from '../served-resource.ts';
import { reviewResources, type ReviewResource } from './reviews.ts';

/** Media type of aggregated discovery. */
export const aggregatedType = 'application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList';

const statusVerbs = ['get', 'patch', 'update'];

/** GET /api. */
export function coreVersions(address: string): JsonObject {
  return {
    kind: 'APIVersions',
    versions: ['v1'],
    serverAddressByClientCIDRs: [{ clientCIDR: '0.0.0.0/0', serverAddress: address }],
  };
}

/** GET /apis. */
export function groupList(resources: readonly ServedResource[]): JsonObject {
  return { kind: 'APIGroupList', apiVersion: 'v1', groups: groups(resources).map((name) => groupOf(name, resources)) };
}

/** GET /apis/<group>; undefined if there is no such group. */
export function singleGroup(name: string, resources: readonly ServedResource[]): JsonObject | undefined {
  if (!groups(resources).includes(name)) return undefined;
  return { kind: 'APIGroup', apiVersion: 'v1', ...groupOf(name, resources) };
}

/** GET /api/v1 and /apis/<group>/<version>; undefined if nothing is served there. */
export function resourceList(groupVersion: string, resources: readonly ServedResource[]): JsonObject | undefined {
  const served = resources.filter((resource) => groupVersionOf(resource) === groupVersion);
  const reviews = reviewResources.filter((review) => `${review.group}/${review.version}` === groupVersion);
  if (served.length + reviews.length === 0) return undefined;
  return {
    kind: 'APIResourceList',
    apiVersion: 'v1',
    groupVersion,
    resources: [...served.flatMap(listEntries), ...reviews.map(reviewEntry)],
  };
}

/** GET /api and /apis in the aggregated form. */
export function aggregated(core: boolean, resources: readonly ServedResource[]): JsonObject {
  const names = core ? [''] : groups(resources);
  return {
    kind: 'APIGroupDiscoveryList',
    apiVersion: 'apidiscovery.k8s.io/v2',
    metadata: {},
    items: names.map((name) => ({
      metadata: name === '' ? {} : { name },
      versions: versionsOf(name, resources).map((version) => ({
        version,
        resources: [
          ...resources.filter((item) => item.group === name && item.version === version).map(aggregatedEntry),
          ...reviewResources.filter((item) => item.group === name && item.version === version).map(aggregatedReview),
        ],
        freshness: 'Current',
      })),
    })),
  };
}

function groups(resources: readonly ServedResource[]): string[] {
  return [...new Set([...resources, ...reviewResources].map((item) => item.group))]
    .filter((name) => name !== '')
    .sort();
}

function versionsOf(group: string, resources: readonly ServedResource[]): string[] {
  const all = [...resources, ...reviewResources].filter((item) => item.group === group).map((item) => item.version);
  return [...new Set(all)].sort(byVersionPriority);
}

/** v2 before v1 before v1beta1 before v1alpha1, as clients expect the preferred version first. */
function byVersionPriority(a: string, b: string): number {
  const rank = (version: string): number[] => {
    const match = /^v(\d+)(?:(alpha|beta)(\d+))?$/.exec(version);
    if (match === null) return [0, 0, 0];
    const stage = match[2] === undefined ? 3 : match[2] === 'beta' ? 2 : 1;
    return [stage, Number(match[1]), Number(match[3] ?? '0')];
  };
  const [left, right] = [rank(a), rank(b)];
  for (let index = 0; index < 3; index++) {
    const difference = (right[index] ?? 0) - (left[index] ?? 0);
    if (difference !== 0) return difference;
  }
  return a < b ? -1 : 1;
}

function groupOf(name: string, resources: readonly ServedResource[]): JsonObject {
  const versions = versionsOf(name, resources).map((version) => ({ groupVersion: `${name}/${version}`, version }));
  return { name, versions, preferredVersion: versions[0] };
}

function listEntries(resource: ServedResource): JsonObject[] {
  const entry: JsonObject = {
    name: resource.plural,
    singularName: resource.singular,
    namespaced: resource.namespaced,
    kind: resource.kind,
    verbs: resource.verbs,
    ...(resource.shortNames.length === 0 ? {} : { shortNames: resource.shortNames }),
    ...(resource.categories.length === 0 ? {} : { categories: resource.categories }),
    storageVersionHash: createHash('sha256').update(resource.collection).digest().subarray(0, 8).toString('base64'),
  };
  if (!resource.statusSubresource) return [entry];
  const status = {
    name: `${resource.plural}/status`,
    singularName: '',
    namespaced: resource.namespaced,
    kind: resource.kind,
    verbs: statusVerbs,
  };
  return [entry, status];
}

function reviewEntry(review: ReviewResource): JsonObject {
  return {
    name: review.plural,
    singularName: review.kind.toLowerCase(),
    namespaced: false,
    kind: review.kind,
    verbs: ['create'],
  };
}

function responseKind(item: { group: string; version: string; kind: string }): JsonObject {
  return { group: item.group, version: item.version, kind: item.kind };
}

function aggregatedEntry(resource: ServedResource): JsonObject {
  return {
    resource: resource.plural,
    responseKind: responseKind(resource),
    scope: resource.namespaced ? 'Namespaced' : 'Cluster',
    singularResource: resource.singular,
    verbs: resource.verbs,
    ...(resource.shortNames.length === 0 ? {} : { shortNames: resource.shortNames }),
    ...(resource.categories.length === 0 ? {} : { categories: resource.categories }),
    ...(resource.statusSubresource
      ? { subresources: [{ subresource: 'status', responseKind: responseKind(resource), verbs: statusVerbs }] }
      : {}),
  };
}

function aggregatedReview(review: ReviewResource): JsonObject {
  return {
    resource: review.plural,
    responseKind: responseKind(review),
    scope: 'Cluster',
    singularResource: review.kind.toLowerCase(),
    verbs: ['create'],
  };
}
