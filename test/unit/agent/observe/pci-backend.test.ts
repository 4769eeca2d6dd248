import { expect, test } from '@jest/globals';
import { readPciBackend } from '../../../../operator/agent/observe/pci-backend.ts';
import { TreeCache } from '../../../../operator/agent/observe/tree-cache.ts';

const back = '/local/domain/0/backend/pci/7/0';

const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

test('what the look for the first device of a stub domain waits for was asked before', async () => {
  const asked: string[] = [];
  const answerLater = async (path: string): Promise<undefined> => {
    asked.push(path);
    await turn();
  };
  const cache = new TreeCache(
    { tryRead: answerLater, tryList: answerLater },
    () => 0,
    () => true,
  );
  await readPciBackend(cache.view([]), 7, 0);
  expect(asked).toEqual(expect.arrayContaining([`${back}/dev-0`, `${back}/state-0`, `${back}/vdev-0`]));
  await turn();
  const before = asked.length;
  expect((await readPciBackend(cache.view([]), 7, 1)).exists).toBe(false);
  expect(asked).toHaveLength(before);
});
