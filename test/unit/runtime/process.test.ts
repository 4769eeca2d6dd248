import { describe, expect, test } from '@jest/globals';
import { PassThrough } from 'node:stream';
import { Registry } from 'prom-client';
import { createLogger } from '../../../operator/runtime/logger.ts';
import { createManager, type Runnable } from '../../../operator/runtime/manager.ts';
import { silentLogger } from '../../../operator/runtime/ports.ts';
import { startProbes } from '../../../operator/runtime/probes.ts';
import { manualClock } from '../../support/manual-clock.ts';

describe('the manager', () => {
  const setUp = () => {
    const clock = manualClock();
    const log: string[] = [];
    const manager = createManager({ clock, logger: silentLogger, stopDeadlineMs: 10_000 });
    const part = (name: string, more: Partial<Runnable> = {}): Runnable => ({
      name,
      start: () => {
        log.push(`+${name}`);
      },
      stop: async () => {
        log.push(`-${name}`);
      },
      ...more,
    });
    return { clock, log, manager, part };
  };

  test('starts in the order of the stages, stops in the reverse, once', async () => {
    const { log, manager, part } = setUp();
    manager.add('controllers', part('controller'));
    manager.add('caches', part('informer'));
    manager.add('probes', part('probes'));
    await manager.start();
    await Promise.all([manager.stop(), manager.stop()]);
    expect(log).toEqual(['+probes', '+informer', '+controller', '-controller', '-informer', '-probes']);
  });

  test('stops what runs when a part cannot start, and says why', async () => {
    const { log, manager, part } = setUp();
    manager.add('probes', part('probes'));
    manager.add('caches', part('informer', { start: () => Promise.reject(new Error('no cluster')) }));
    manager.add('controllers', part('controller'));
    await expect(manager.start()).rejects.toThrow('no cluster');
    expect(log).toEqual(['+probes', '-informer', '-probes']);
  });

  test('a stop in the middle of a start ends it', async () => {
    const { log, manager, part } = setUp();
    let waits = () => {};
    const waiting = new Promise<void>((resolve) => (waits = resolve));
    const start = (signal: AbortSignal) =>
      new Promise<void>((_resolve, reject) => {
        signal.addEventListener('abort', () => {
          reject(new Error('given up'));
        });
        waits();
      });
    manager.add('caches', part('informer', { start }));
    manager.add('controllers', part('controller'));
    const started = manager.start();
    await waiting;
    await manager.stop();
    await started;
    expect(log).toEqual(['-informer']);
  });

  test('what does not stop does not keep the others', async () => {
    const { clock, log, manager, part } = setUp();
    manager.add('probes', part('probes'));
    manager.add('controllers', part('stuck', { stop: () => new Promise(() => {}) }));
    await manager.start();
    const stopped = manager.stop();
    clock.advance(10_000);
    await stopped;
    expect(log).toEqual(['+probes', '+stuck', '-probes']);
  });
});

describe('probes', () => {
  test('say how things stand, and why', async () => {
    let reasons = ['the cache of StubDomain is not synced'];
    const registry = new Registry();
    const probes = await startProbes({
      port: 0,
      host: '127.0.0.1',
      readiness: () => ({ ready: reasons.length === 0, reasons }),
      metrics: registry,
      logger: silentLogger,
    });
    const get = async (path: string, method = 'GET') => {
      const answer = await fetch(`http://127.0.0.1:${String(probes.port)}${path}`, { method });
      return [answer.status, await answer.text()];
    };
    try {
      expect(await get('/healthz')).toEqual([200, 'ok\n']);
      expect(await get('/readyz')).toEqual([503, 'not ready\n- the cache of StubDomain is not synced\n']);
      reasons = [];
      expect(await get('/readyz?verbose')).toEqual([200, 'ok\n']);
      expect(await get('/metrics')).toEqual([200, '\n']);
      expect((await get('/else'))[0]).toBe(404);
      expect((await get('/healthz', 'POST'))[0]).toBe(405);
    } finally {
      await probes.close();
    }
  });

  test('a port that is in use is an error that says what to do', async () => {
    const options = { host: '127.0.0.1', readiness: () => ({ ready: true, reasons: [] }), logger: silentLogger };
    const probes = await startProbes({ ...options, port: 0 });
    await expect(startProbes({ ...options, port: probes.port })).rejects.toMatchObject({
      code: 'EADDRINUSE',
      message: `probes cannot listen on 127.0.0.1:${String(probes.port)}: something else listens there. Name another port, or 0 for any`,
    });
    await probes.close();
    await expect(startProbes({ ...options, port: 70_000 })).rejects.toThrow(/cannot listen/);
  });

  test('a readiness that throws is an answer, not a crash', async () => {
    const probes = await startProbes({
      port: 0,
      host: '127.0.0.1',
      readiness: () => {
        throw new Error('a bug');
      },
      logger: silentLogger,
    });
    expect((await fetch(`http://127.0.0.1:${String(probes.port)}/readyz`)).status).toBe(500);
    await probes.close();
  });
});

describe('the log', () => {
  const logged = async (
    format: 'json' | 'human' | 'auto',
    say: (log: Awaited<ReturnType<typeof createLogger>>) => void,
  ) => {
    const stream = new PassThrough();
    const chunks: string[] = [];
    stream.on('data', (chunk: Buffer) => chunks.push(chunk.toString('utf8')));
    const log = await createLogger({ level: 'info', format, stream });
    say(log);
    stream.end();
    await new Promise((resolve) => stream.once('close', resolve));
    return chunks.join('').trimEnd().split('\n');
  };

  test('is one JSON object a line, with the facts of its ancestors', async () => {
    const lines = await logged('auto', (log) => {
      log.debug('too fine');
      log.child({ controller: 'c' }).child({ key: 'ns/a' }).info('said', { n: 1 });
    });
    expect(lines).toHaveLength(1);
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      level: 'info',
      msg: 'said',
      controller: 'c',
      key: 'ns/a',
      n: 1,
    });
  });

  test('is for people on a terminal, and JSON elsewhere', async () => {
    for (const [isTTY, pattern] of [
      [true, /^\d\d:\d\d:\d\d\.\d{3} INFO {2}said key=ns\/a n=1$/],
      [false, /^\{"time":"[^"]+","level":"info","msg":"said","key":"ns\/a","n":1\}$/],
    ] as const) {
      const stream = Object.assign(new PassThrough(), { isTTY });
      const log = await createLogger({ level: 'info', format: 'auto', stream });
      log.child({ key: 'ns/a' }).info('said', { n: 1 });
      expect((stream.read() as Buffer).toString('utf8').trimEnd()).toMatch(pattern);
      stream.end();
    }
  });

  test('for people, what others wrote cannot move the cursor or make a line', async () => {
    const lines = await logged('human', (log) => {
      log.warn('odd', { value: 'a\n\u001b[2J\u202eb', deep: { nested: ['\r'] }, bytes: Buffer.from('secret') });
    });
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/ WARN {2}odd value=a\\u000a\\u001b\[2J\\u202eb deep=.*\\u000d.* bytes=\(6 bytes\)$/);
  });

  test('takes anything as a fact', async () => {
    const ring: { self?: unknown } = {};
    ring.self = ring;
    const facts = { ring, error: new TypeError('no'), big: 12n, long: 'x'.repeat(10_000), none: null, msg2: undefined };
    const [line] = await logged('json', (log) => {
      log.error('said', facts);
    });
    const parsed = JSON.parse(line ?? '') as Record<string, unknown>;
    expect(parsed).toMatchObject({ error: 'TypeError: no', big: '12', none: null });
    expect((parsed['long'] as string).length).toBeLessThan(5_000);
  });
});
