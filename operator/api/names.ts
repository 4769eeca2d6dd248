/** Names that other programs see: groups, finalizers, field managers, annotations. */
export const group = 'stubdom.io';
export const version = 'v1alpha1';
export const apiVersion = `${group}/${version}` as const;

/** Held by the agent: the object lives until what it did on the host is undone. */
export const agentFinalizer = 'stubdom.io/agent';

/** Field managers of server-side apply. Users own the spec. */
export const controllerManager = 'stubdom-controller';
export const agentManager = 'stubdom-agent';

/**
 * On a PciAttachment that is being removed: take the device at once, whether the guest let it go or not. The value says why,
 * for people.
 */
export const forceRemovalAnnotation = `${group}/force-removal`;

/**
 * On a StubDomain or PciAttachment: leave it as it is. What the command channel has under way is still ended. The value says
 * why, for people.
 */
export const reconcilePausedAnnotation = `${group}/paused`;

/**
 * On a XenHost: an administrator says that the host is dead and stays off, so that what is bound to it is released. The value
 * says why, for people.
 */
export const fencedAnnotation = `${group}/fenced`;

/** On a StubDomain or PciAttachment: the admission policy of the chart refuses its deletion. */
export const deletionProtectionAnnotation = `${group}/deletion-protection`;

/** Namespace of the hosts' Leases. */
export const leaseNamespace = 'stubdom-system';

/** The Lease, in that namespace, of the controller that decides. */
export const leaderLeaseName = 'stubdom-controller';
