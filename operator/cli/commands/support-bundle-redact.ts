import { createHmac } from 'node:crypto';

/** Takes out of what is given away what nobody else should know. One for each bundle: its hashes fit no other. */
export interface Redactor {
  /** A short name for a value: equal values have equal ones, and nobody can try values out. */
  hash(value: string): string;
  /** Whenever this value appears in a text, its hash stands there. */
  remember(value: string): void;
  /** A value of the API with every text in it that is not known to be harmless as its hash. */
  object(value: unknown): unknown;
  /** Free text, such as a log or a message. */
  text(text: string): string;
}

/** Fields whose texts are words, numbers, addresses and names that are needed to understand anything at all. */
const plain = new Set(
  [
    'apiVersion kind name namespace uid uuid resourceVersion creationTimestamp deletionTimestamp nodeName attachment guest',
    'placement flavor provisioning runState bios backend access device model type keymap deletionPolicy',
    'vendorID deviceID classID subsystemVendorID subsystemID subsystem driver originalDriver assignable owner hostUse',
    'msiTranslate powerManagement permissive rdmPolicy driverPolicy removalPolicy virtualDeviceFunction removingSince',
    'phase state vdev role time outcome reason sentTime finishedTime status lastTransitionTime pciSummary pciDevices allow deny',
    'xen kernelVersion agent xenstore bootID toolstackDriver guestName action finalizers holderIdentity acquireTime renewTime',
    'firstTimestamp lastTimestamp eventTime host component reportingComponent reportingInstance fieldPath check verdict version',
  ].flatMap((line) => line.split(' ')),
);
/** Texts for people: scrubbed as a log is. */
const spoken = new Set(['message', 'what', 'next', 'note']);
const bdf = /^[0-9a-f]{4}:[0-9a-f]{2}:[01][0-9a-f]\.[0-7]$/;

/** What a credential looks like, wherever it is. */
const credentials: readonly (readonly [RegExp, string])[] = [
  [/-----BEGIN [A-Z0-9 ]+-----[\s\S]*?(?:-----END [A-Z0-9 ]+-----|$)/g, '[redacted PEM]'],
  [/\bey[JK][A-Za-z0-9_-]+\.[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]*)?/g, '[redacted token]'],
  [/\b(Bearer|Basic)\s+[A-Za-z0-9._~+/=-]+/gi, '$1 [redacted]'],
  [
    /((?:pass(?:word|wd|phrase)?|secret|token|api[_-]?key|private[_-]?key|client-key-data|client-certificate-data|credentials?|authorization)["']?\s*[=:]\s*)(?:"(?:[^"\\]|\\.)*"|'[^']*'|(?!\[redacted)[^\s,;}&]+)/gi,
    '$1[redacted]',
  ],
  [/\b([a-z][a-z0-9+.-]*:\/\/)[^\s/@"']+@/gi, '$1[redacted]@'],
  [
    /(?<![A-Za-z0-9+/_=-])(?=[A-Za-z0-9+/_-]*\d)(?=[A-Za-z0-9+/_-]*[A-Za-z])[A-Za-z0-9+_-]{40,}={0,2}/g,
    '[redacted text]',
  ],
];

/** Paths that are the same everywhere: of XenStore, of the kernel, of the API, and of the programs themselves. */
const commonPath =
  /^\/(?:local\/domain|tool\/stubdom|libxl|vm|proc|sys|dev\/xen|run\/xenstored|var\/run\/xenstored|apis?|version|healthz|readyz|livez|metrics|node_modules|operator|app)(?:\/|$)/;
const pathPattern = /(?<![A-Za-z0-9_.:/-])\/(?:[A-Za-z0-9._+@:-]+\/)*[A-Za-z0-9._+@:-]*[A-Za-z0-9]/g;

/** Labels of Kubernetes' own and of Helm's say what a thing is, and nothing about whom it belongs to. */
const plainLabel = /^(?:[a-z0-9-]+\.)*(?:kubernetes\.io|k8s\.io|helm\.sh)\//;
/** What people name themselves: no name in it is a field of ours. */
const named = new Set(['labels', 'annotations', 'nodeSelector', 'matchLabels']);
const dropped = new Set(['managedFields', 'kubectl.kubernetes.io/last-applied-configuration']);

/** Shorter values are words that texts are full of. */
const shortest = 5;
const common = new Set(['false', 'Linux', 'MiniOS']);

/** Replaces values wherever they are in a text, however many there are: found by their first letters. */
class KnownValues {
  readonly #byStart = new Map<string, Map<string, string>>();

  add(value: string, instead: string): void {
    if (value.length < shortest || common.has(value)) return;
    const start = value.slice(0, shortest);
    const values = this.#byStart.get(start) ?? new Map<string, string>();
    this.#byStart.set(start, values.set(value, instead));
  }

  replace(text: string): string {
    const parts: string[] = [];
    let done = 0;
    for (let at = 0; at + shortest <= text.length; at += 1) {
      const found = this.#longestAt(text, at);
      if (found === undefined) continue;
      parts.push(text.slice(done, at), found[1]);
      done = at + found[0].length;
      at = done - 1;
    }
    return parts.length === 0 ? text : `${parts.join('')}${text.slice(done)}`;
  }

  #longestAt(text: string, at: number): readonly [string, string] | undefined {
    let longest: readonly [string, string] | undefined;
    for (const entry of this.#byStart.get(text.slice(at, at + shortest)) ?? []) {
      if (entry[0].length > (longest?.[0].length ?? 0) && text.startsWith(entry[0], at)) longest = entry;
    }
    return longest;
  }
}

/** Makes one. `salt`: random bytes that are kept nowhere. */
export function createRedactor(salt: Uint8Array): Redactor {
  const known = new KnownValues();
  const hash = (value: string): string => `<${createHmac('sha256', salt).update(value).digest('hex').slice(0, 10)}>`;
  const remember = (value: string): void => {
    known.add(value, hash(value));
    // As it stands in logs, which are JSON.
    known.add(JSON.stringify(value).slice(1, -1), hash(value));
  };

  const text = (given: string): string => {
    let clean = known.replace(given);
    for (const [what, instead] of credentials) clean = clean.replace(what, instead);
    return clean.replace(pathPattern, (path) => (commonPath.test(path) ? path : hash(path)));
  };

  const leaf = (value: string, key: string): string => {
    // What our messages quote are people's words; the object that they were taken from may be gone.
    if (spoken.has(key)) return text(value.replace(/"[^"]*"/g, (quoted) => hash(quoted)));
    if (plain.has(key) || bdf.test(value)) return value;
    remember(value);
    return hash(value);
  };

  const map = (value: object, parent: string): object =>
    Object.fromEntries(
      Object.entries(value)
        .filter(([key]) => !dropped.has(key))
        .map(([key, item]) => {
          if (!named.has(parent)) return [key, walk(item, key)];
          return [key, plainLabel.test(key) ? (item as unknown) : walk(item, '')];
        }),
    );

  const walk = (value: unknown, key: string): unknown => {
    if (typeof value === 'string') return leaf(value, key);
    if (Array.isArray(value)) return value.map((item) => walk(item, key));
    return typeof value === 'object' && value !== null ? map(value, key) : value;
  };

  return { hash, remember, object: (value) => walk(value, ''), text };
}
