import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** How a program of an image is run, in the words of the OCI image specification. */
export interface ImageConfig {
  /** `UID:GID`. */
  readonly User: string;
  /** `NAME=VALUE`. */
  readonly Env: readonly string[];
  readonly Entrypoint: readonly string[];
  readonly Cmd?: readonly string[];
  readonly WorkingDir: string;
}

/** The configuration of the image in a folder of build.sh's. */
export function readImageConfig(folder: string): ImageConfig {
  const { config } = JSON.parse(readFileSync(join(folder, 'config.json'), 'utf8')) as { config: ImageConfig };
  return config;
}
