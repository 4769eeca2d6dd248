// sbom.ts NPM-SBOM INVENTORY: npm's CycloneDX document and what the image has besides, as one. It holds no time and no random number,
// so that the same image has the same document.
import { readFileSync } from 'node:fs';

/** A component of a CycloneDX document. */
interface Component {
  readonly type: string;
  readonly name: string;
  readonly version: string;
  readonly purl: string;
  readonly [more: string]: unknown;
}

interface Inventory {
  readonly node: string;
  readonly debian: string;
  readonly packages: readonly { package: string; version: string; architecture: string; source?: string }[];
}

interface Document {
  readonly serialNumber?: string;
  readonly metadata: { readonly timestamp?: string; readonly [more: string]: unknown };
  readonly components: readonly Component[];
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
const { serialNumber: _random, metadata, components, ...rest } = npm;
const { timestamp: _now, ...lasting } = metadata;
process.stdout.write(
  `${JSON.stringify({ ...rest, metadata: lasting, components: [...components, ...runtime] }, undefined, 2)}\n`,
);
