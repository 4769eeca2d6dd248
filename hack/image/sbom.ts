// sbom.ts NPM-SBOM INVENTORY: npm's CycloneDX document and what the image has besides, as one. It holds no time and no random number,
// so that the same image has the same document.
import { readFileSync } from 'node:fs';

/** A component of a CycloneDX document. */
interface Component {
  readonly type: string;
  readonly name: string;
  readonly version: string;
  readonly purl: string;
  readonly 'bom-ref': string;
  readonly [more: string]: unknown;
}

interface Inventory {
  readonly node: string;
  readonly debian: string;
  /** `name@version`. */
  readonly modules: readonly string[];
  readonly packages: readonly { package: string; version: string; architecture: string; source?: string }[];
}

interface Document {
  readonly serialNumber?: string;
  readonly metadata: {
    readonly timestamp?: string;
    readonly component: { readonly 'bom-ref': string };
    readonly [more: string]: unknown;
  };
  readonly components: readonly Component[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn?: readonly string[] }[];
  readonly [more: string]: unknown;
}

function parsed<T>(file: string | undefined): T {
  if (file === undefined) throw new Error('usage: sbom.ts NPM-SBOM INVENTORY');
  return JSON.parse(readFileSync(file, 'utf8')) as T;
}

const npm = parsed<Document>(process.argv[2]);
const inventory = parsed<Inventory>(process.argv[3]);
const runtime: Component[] = [
  { name: 'node', version: inventory.node, purl: `pkg:generic/node@${inventory.node}` },
  ...inventory.packages.map(({ package: name, version, architecture }) => ({
    name,
    version,
    purl: `pkg:deb/debian/${name}@${encodeURIComponent(version)}?arch=${architecture}&distro=debian-${inventory.debian}`,
  })),
].map((component) => ({ type: 'library', 'bom-ref': component.purl, ...component }));
const { serialNumber: _random, metadata, components, dependencies, ...rest } = npm;
const { timestamp: _now, ...lasting } = metadata;
// npm knows the packages for development and for all platforms, and the image has those that run on one.
const shipped = new Set(inventory.modules);
const listed = components.filter(({ name, version }) => shipped.delete(`${name}@${version}`));
if (shipped.size > 0) throw new Error(`in the image but not in the lock file: ${[...shipped].join(', ')}`);
const refs = new Set([metadata.component['bom-ref'], ...listed.map((component) => component['bom-ref'])]);
const among = dependencies
  .filter(({ ref }) => refs.has(ref))
  .map(({ ref, dependsOn = [] }) => ({ ref, dependsOn: dependsOn.filter((other) => refs.has(other)) }));
const document = { ...rest, metadata: lasting, components: [...listed, ...runtime], dependencies: among };
process.stdout.write(`${JSON.stringify(document, undefined, 2)}\n`);
