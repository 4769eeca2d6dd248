import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** The package this file belongs to: its folder (which holds crds/) and its version. */
export interface PackageInfo {
  readonly root: string;
  readonly version: string;
}

/** Finds the package by its package.json, so that it works from the source, from dist/ and when installed. */
export function packageInfo(from: string = import.meta.dirname): PackageInfo {
  for (let folder = from; ; folder = dirname(folder)) {
    const file = join(folder, 'package.json');
    if (existsSync(file)) {
      const parsed = JSON.parse(readFileSync(file, 'utf8')) as { name?: unknown; version?: unknown };
      if (parsed.name === 'stubdom-operator') return { root: folder, version: String(parsed.version) };
    }
    if (folder === dirname(folder)) throw new Error(`no package.json of stubdom-operator above ${from}`);
  }
}
