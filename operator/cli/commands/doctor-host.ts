import { isControlDomain } from '../../hypervisor/control-domain.ts';
import { HypervisorError, type PassthroughFacts } from '../../hypervisor/hypervisor.ts';
import { openSysfs, orUndefined, type Sysfs } from '../../hypervisor/sysfs/sysfs.ts';
import { printable } from '../../kube/errors.ts';
import { openXenStore } from '../../xenstore/client.ts';
import { isXenStoreError, XenStoreError } from '../../xenstore/errors.ts';
import type { XenStore } from '../../xenstore/xenstore.ts';
import type { HypervisorArgument } from '../arguments.ts';
import { CliError } from '../failure.ts';
import { openHypervisor } from '../open-hypervisor.ts';
import { isXenbusDevice, requireLiveSocket } from '../sockets.ts';
import { type Check, fail, ok, warn } from './doctor-check.ts';
import type { ClusterObjects } from './doctor-cluster.ts';
import { checkTree } from './doctor-tree.ts';
import { findDaemon } from './xenstore-work.ts';

export interface HostOptions {
  /** The folder that holds the host's sys and proc. */
  readonly root: string;
  readonly xenstore?: string;
  readonly hypervisor?: HypervisorArgument;
  readonly objects: ClusterObjects | undefined;
  readonly signal: AbortSignal;
}

const answerMs = 5_000;
/** xl itself may take thirty. */
const hypervisorMs = 32_000;

/** Checks the host that this runs on. It only reads. */
export async function checkHost(options: HostOptions): Promise<readonly Check[]> {
  const sysfs = openSysfs(options.root);
  return [
    await checkDom0(sysfs),
    await checkPciback(sysfs),
    ...(await checkXenStore(options)),
    ...(options.hypervisor === undefined ? [] : await checkHypervisor(options.hypervisor, options.root)),
  ];
}

async function checkDom0(sysfs: Sysfs): Promise<Check> {
  const capabilities = await orUndefined(() => sysfs.read('proc/xen/capabilities'));
  const features = await orUndefined(() => sysfs.read('sys/hypervisor/properties/features'));
  if (isControlDomain({ features, capabilities })) return ok('dom0', 'This is the dom0 of a Xen host.');
  const next =
    'Run it in dom0, or name the folder that holds its /sys and /proc: --root. Mount xenfs on /proc/xen if it is not.';
  if (capabilities === undefined)
    return warn('dom0', 'There is no /proc/xen/capabilities: this is no Xen domain.', next);
  return fail('dom0', 'This is a Xen domain, and not dom0.', next);
}

async function checkPciback(sysfs: Sysfs): Promise<Check> {
  const driver = await orUndefined(() => sysfs.list('sys/bus/pci/drivers/pciback'));
  if (driver === undefined) {
    return warn(
      'pciback',
      'The driver pciback is not loaded: no PCI device can be given away.',
      'modprobe xen-pciback',
    );
  }
  const devices = driver.filter((name) => /^[0-9a-f]{4}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]$/.test(name));
  return ok('pciback', `The driver is loaded and has ${String(devices.length)} devices.`);
}

async function checkXenStore({ xenstore, objects, signal }: HostOptions): Promise<readonly Check[]> {
  const path = await findDaemon(xenstore);
  const kind = (await isXenbusDevice(path)) ? 'xenbus' : 'socket';
  const hint = 'Start the daemon, or name another with --xenstore';
  try {
    if (kind === 'socket') await requireLiveSocket(path, 'XenStore daemon', hint);
  } catch (error) {
    if (error instanceof CliError) return [fail('xenstore', error.message)];
    throw error;
  }
  const store = openXenStore({ transport: { kind, path }, reconnect: false });
  const limit = AbortSignal.any([signal, AbortSignal.timeout(answerMs)]);
  const silent = new Promise<never>((_, reject) => {
    limit.addEventListener('abort', () => {
      reject(new XenStoreError('EDISCONNECTED', `no answer in ${String(answerMs / 1000)} s`));
    });
  });
  try {
    return await Promise.race([talk(store, path, objects, limit), silent]);
  } catch (error) {
    if (!isXenStoreError(error) && !limit.aborted) throw error;
    const text = error instanceof Error ? printable(error.message, 300) : 'no answer';
    return [
      fail(
        'xenstore',
        `The daemon at ${path} does not answer: ${text}.`,
        'Look at its log; restart it only with live update.',
      ),
    ];
  } finally {
    store.destroy();
    silent.catch(() => undefined);
  }
}

async function talk(
  store: XenStore,
  path: string,
  objects: ClusterObjects | undefined,
  signal: AbortSignal,
): Promise<readonly Check[]> {
  await store.connected(signal);
  if ((await store.tryList('/local/domain')) === undefined || (await store.tryRead('/local/domain/0')) === undefined) {
    const what = `The daemon at ${path} answers and has nothing about dom0: it was restarted empty, or was never set up.`;
    return [fail('xenstore', what, 'Run xen-init-dom0, and restart the guests that it has forgotten.')];
  }
  const answers = ok('xenstore', `The daemon at ${path} answers.`);
  return [answers, await checkFeatures(store), ...(await checkTree(store, objects))];
}

/** Told by daemons since Xen 4.17's protocol; all that the operator needs is in older ones too. */
async function checkFeatures(store: XenStore): Promise<Check> {
  try {
    const features = await store.getFeatures();
    return ok('xenstore-features', `The daemon tells what it can do: 0x${features.toString(16)}.`);
  } catch (error) {
    if (!isXenStoreError(error, 'ENOSYS', 'EINVAL')) throw error;
    return ok('xenstore-features', 'The daemon does not tell what it can do; what is needed all daemons can.');
  }
}

/** No domain is listed, so that no name is looked for. */
const noNames = { tryRead: () => Promise.resolve(undefined) };

async function checkHypervisor(argument: HypervisorArgument, root: string): Promise<readonly Check[]> {
  const where = argument.driver === 'xl' ? 'xl' : `at ${argument.socketPath}`;
  const hypervisor = await openHypervisor(argument, noNames, root);
  const { promise: silent, reject } = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    reject(new HypervisorError('Unavailable', `no answer in ${String(hypervisorMs / 1000)} s`));
  }, hypervisorMs);
  try {
    const { driver, xenVersion, freeMiB, passthrough } = await Promise.race([hypervisor.info(), silent]);
    const what = `The driver ${driver} answers: Xen ${printable(xenVersion, 40)}, ${String(freeMiB)} MiB free.`;
    return [ok('hypervisor', what), ...(passthrough === undefined ? [] : [checkPassthrough(passthrough)])];
  } catch (error) {
    if (!(error instanceof HypervisorError)) throw error;
    const next = 'See whether what serves it runs, and as whom it may be used.';
    return [fail('hypervisor', `The driver ${where} does not answer: ${printable(error.message, 400)}`, next)];
  } finally {
    clearTimeout(timer);
    await hypervisor.close();
  }
}

function checkPassthrough(facts: PassthroughFacts): Check {
  if (facts.ok) return ok('passthrough', 'PCI devices can be given to guests.');
  return warn('passthrough', `No PCI device can be given to a guest: ${printable(facts.message, 400)}`);
}
