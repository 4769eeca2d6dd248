/** Runs one case against one server. Throws with what differs. */
import type { ApiConnection } from './api-connection.ts';
import type { Case, Step, WatchStep } from './case.ts';
import { at, differences, faults, shown } from './expect-answer.ts';

const TYPES: Readonly<Record<string, string>> = {
  json: 'application/json',
  yaml: 'application/yaml',
  merge: 'application/merge-patch+json',
  'json-patch': 'application/json-patch+json',
  strategic: 'application/strategic-merge-patch+json',
  apply: 'application/apply-patch+yaml',
};

/** How long something that controllers do may take, and how often it is looked at, in milliseconds. */
const EVENTUALLY_MS = 20_000;
const LOOK_AGAIN_MS = 100;

type Names = Map<string, string>;

function namesFor(namespace: string): Names {
  const group = '/apis/stubdom.io/v1alpha1';
  return new Map([
    ['ns', namespace],
    ['sd', `${group}/namespaces/${namespace}/stubdomains`],
    ['pci', `${group}/namespaces/${namespace}/pciattachments`],
    ['xh', `${group}/xenhosts`],
    ['core', `/api/v1/namespaces/${namespace}`],
    ['leases', `/apis/coordination.k8s.io/v1/namespaces/${namespace}/leases`],
    ['events', `/apis/events.k8s.io/v1/namespaces/${namespace}/events`],
    ['crds', '/apis/apiextensions.k8s.io/v1/customresourcedefinitions'],
  ]);
}

function fillText(text: string, names: Names): string {
  return text.replaceAll(/\{([a-zA-Z][a-zA-Z0-9]*)\}/g, (whole, name: string) => names.get(name) ?? whole);
}

/** The same value with `{name}` replaced everywhere; symbols and patterns stay. */
function fill<T>(value: T, names: Names): T {
  if (typeof value === 'string') return fillText(value, names) as T;
  if (Array.isArray(value)) return value.map((item: unknown) => fill(item, names)) as T;
  if (value instanceof RegExp) return new RegExp(fillText(value.source, names), value.flags) as T;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([key, item]) => [fillText(key, names), fill(item as unknown, names)]),
  ) as T;
}

async function runStep(api: ApiConnection, raw: Step, names: Names): Promise<void> {
  const step = fill(raw, names);
  const space = step.do.indexOf(' ');
  const [method, path] = [step.do.slice(0, space), step.do.slice(space + 1)];
  const body =
    step.send === undefined ? undefined : typeof step.send === 'string' ? step.send : JSON.stringify(step.send);
  const type = step.as === undefined ? undefined : (TYPES[step.as] ?? step.as);
  const deadline = Date.now() + EVENTUALLY_MS;
  for (;;) {
    const answer = await api.request(method, path, { body, type, accept: step.accept });
    const found = faults(step, answer);
    if (found.length > 0 && step.eventually === true && Date.now() < deadline) {
      await new Promise((resolve) => setTimeout(resolve, LOOK_AGAIN_MS));
      continue;
    }
    if (found.length > 0) throw new Error(`${step.do}\n  ${found.join('\n  ')}\n  answer: ${shown(answer.body)}`);
    for (const [name, where] of Object.entries(step.save ?? {})) names.set(name, String(at(answer.body, where)));
    return;
  }
}

async function runWatch(api: ApiConnection, raw: WatchStep, names: Names): Promise<void> {
  const path = fillText(raw.watch, names);
  const watch = await api.watch(`${path}${path.includes('?') ? '&' : '?'}watch=1`, raw.accept);
  if ('status' in watch) throw new Error(`watch ${path}: status ${String(watch.status)}: ${shown(watch.body)}`);
  try {
    for (const step of raw.during ?? []) await runStep(api, step, names);
    for (const [i, unfilled] of raw.events.entries()) {
      const expected = fill(unfilled, names);
      const event = await watch.next();
      const found =
        event === undefined
          ? ['the watch ended']
          : [...differences(expected.type, event.type, 'type'), ...differences(expected.has ?? {}, event.object)];
      if (found.length > 0)
        throw new Error(`watch ${path}, event ${String(i)}\n  ${found.join('\n  ')}\n  event: ${shown(event)}`);
    }
    if (raw.ends === true) {
      const event = await watch.next();
      if (event !== undefined) throw new Error(`watch ${path} should have ended, but told ${shown(event)}`);
    }
  } finally {
    watch.close();
  }
}

/** Runs a case in the namespace, which is made for it and deleted afterwards. */
export async function runCase(api: ApiConnection, { steps }: Case, namespace: string): Promise<void> {
  const names = namesFor(namespace);
  await runStep(
    api,
    { do: 'POST /api/v1/namespaces', send: { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } } },
    names,
  );
  for (const step of steps) {
    if ('watch' in step) await runWatch(api, step, names);
    else await runStep(api, step, names);
  }
}
