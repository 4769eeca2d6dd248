import { spawn, type ChildProcess } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { packageRoot } from './stubdom.ts';

const folder = join(packageRoot, 'hack', 'xen-lab');

/** The lab can be booted here, or why not. */
export type XenLabSetup = { readonly available: true } | { readonly available: false; readonly reason: string };

/**
 * Builds the lab if that was not done before (one to four minutes). Where it cannot be had, standard error says so and why; with
 * STUBDOM_REQUIRE_XEN_LAB=1 (CI) that is an error, and so is a build that fails for another reason.
 */
export async function setUpXenLab(): Promise<XenLabSetup> {
  const reason = await whyNot();
  if (reason === undefined) return { available: true };
  if (process.env['STUBDOM_REQUIRE_XEN_LAB'] === '1') throw new Error(`no Xen lab: ${reason}`);
  process.stderr.write(`\n*** SKIPPED: tests on a real Xen host cannot run here: ${reason}\n\n`);
  return { available: false, reason };
}

async function whyNot(): Promise<string | undefined> {
  const built = await collect(spawn(join(folder, 'setup.sh'), { stdio: ['ignore', 'pipe', 'pipe'] }), (line) => {
    process.stderr.write(`${line}\n`);
  });
  if (built.code === 3) return built.stderr.trim();
  if (built.code !== 0) throw new Error(`hack/xen-lab/setup.sh ended with ${String(built.code)}: ${built.stderr}`);
  return undefined;
}

/** How a lab is booted. */
export interface XenLabOptions {
  readonly daemon: 'xenstored' | 'oxenstored';
  /** What runs as pid 1 of dom0, once all is set up. */
  readonly init: 'labjobs' | 'systemd';
  /** Its files: dom0's /mnt/share, with all logs. Stays afterwards. */
  readonly share: string;
  /** An ext4 image that is dom0's /opt. */
  readonly opt: string;
}

/** What a command in dom0 came to. Its standard error is in the output. */
export interface Executed {
  readonly code: number;
  readonly output: string;
}

/** A dom0 that runs. It ends with the process that started it, however that ends. */
export class XenLab {
  readonly share: string;
  readonly #qemu: ChildProcess;

  private constructor(share: string, qemu: ChildProcess) {
    this.share = share;
    this.#qemu = qemu;
  }

  /** Boots. The emulation fails now and then: a boot is tried twice, and nothing else is. */
  static async start(options: XenLabOptions): Promise<XenLab> {
    try {
      return await XenLab.#boot(options);
    } catch (error) {
      process.stderr.write(`the lab did not boot, and is tried once more: ${String(error)}\n`);
      return XenLab.#boot(options);
    }
  }

  static async #boot({ daemon, init, share, opt }: XenLabOptions): Promise<XenLab> {
    await mkdir(share, { recursive: true });
    await writeFile(join(share, 'env'), `XENSTORED=${daemon}\nINIT=${init}\n`);
    const qemu = spawn(join(folder, 'run.sh'), ['hold'], {
      stdio: ['pipe', 'pipe', 'pipe'],
      env: { ...process.env, SHARE: share, PCI: '1', NET: '1', OPT: opt },
    });
    await new Promise<void>((resolve, reject) => {
      let failure = '';
      qemu.stderr.on('data', (text: Buffer) => (failure = (failure + text.toString()).slice(-4000)));
      createInterface({ input: qemu.stdout }).once('line', () => {
        resolve();
      });
      qemu.once('close', (code) => {
        reject(new Error(`run.sh ended with ${String(code)}: ${failure}`));
      });
    });
    return new XenLab(share, qemu);
  }

  /** Runs a line of bash as root in dom0, at most `limitS` seconds. */
  async exec(line: string, limitS = 120): Promise<Executed> {
    const env = { ...process.env, SHARE: this.share, TIMEOUT: String(limitS) };
    const child = spawn(join(folder, 'run.sh'), ['exec', line], { stdio: ['ignore', 'pipe', 'pipe'], env });
    const { code, stdout, stderr } = await collect(child);
    return { code: code ?? 99, output: `${stdout}${stderr}` };
  }

  /** The same, where anything but success is an error. */
  async run(line: string, limitS = 120): Promise<string> {
    const { code, output } = await this.exec(line, limitS);
    if (code !== 0) throw new Error(`'${line}' ended with ${String(code)} in dom0: ${output}`);
    return output;
  }

  /** A file of the share, such as `serial.log`; empty while it is not there. */
  async file(name: string): Promise<string> {
    return readFile(join(this.share, name), 'utf8').catch(() => '');
  }

  /** Powers off; the logs of Xen's tools and of all guests' consoles are in `out/` of the share then. */
  async stop(): Promise<void> {
    if (this.#qemu.exitCode !== null || this.#qemu.signalCode !== null) return;
    const ended = new Promise<void>((resolve) => {
      this.#qemu.once('close', () => {
        resolve();
      });
    });
    this.#qemu.stdin?.end();
    await ended;
  }
}

interface Collected {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

function collect(child: ChildProcess, onErrorLine?: (line: string) => void): Promise<Collected> {
  let stdout = '';
  let stderr = '';
  child.stdout?.on('data', (text: Buffer) => (stdout += text.toString()));
  child.stderr?.on('data', (text: Buffer) => (stderr += text.toString()));
  if (onErrorLine !== undefined && child.stderr !== null)
    createInterface({ input: child.stderr }).on('line', onErrorLine);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => {
      resolve({ code, stdout, stderr });
    });
  });
}
