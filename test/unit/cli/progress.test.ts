import { describe, expect, test } from '@jest/globals';
import { createProgress } from '../../../operator/cli/progress.ts';
import { formatTable } from '../../../operator/cli/table.ts';
import type { Terminal } from '../../../operator/cli/terminal.ts';

function recorder(isTTY: boolean, width = 40): { terminal: Terminal; written: () => string } {
  let text = '';
  return {
    terminal: {
      out: (line) => void (text += `${line}\n`),
      raw: (data) => void (text += String(data)),
      err: () => {},
      isTTY,
      columns: () => width,
      env: {},
      cwd: '/',
    },
    written: () => text,
  };
}

describe('createProgress', () => {
  test('without a screen there are plain lines and nothing live', () => {
    const { terminal, written } = recorder(false);
    let now = 1_000;
    const progress = createProgress(terminal, () => now);
    progress.step('one');
    progress.live('never seen');
    now = 13_345;
    progress.step('two');
    progress.end();
    expect(written()).toBe('[  0.0 s] one\n[ 12.3 s] two\n');
  });

  test('after the end nothing is live, and steps are plain lines', () => {
    const { terminal, written } = recorder(true);
    const progress = createProgress(terminal, () => 0);
    progress.live('going on');
    progress.end();
    const before = written();
    progress.live('what others do later');
    expect(written()).toBe(before);
    progress.step('last');
    expect(written()).not.toContain('later');
  });

  test('a live line never wraps, and a step comes before it', () => {
    const { terminal, written } = recorder(true, 24);
    const progress = createProgress(terminal, () => 0);
    progress.live('a long story about hosts');
    progress.step('done');
    progress.end();
    const drawn = written().split('\r\u001b[2K');
    expect(drawn).toEqual(['', '[  0.0 s] a long story ', '[  0.0 s] done\n', '[  0.0 s] a long story ', '']);
  });
});

test('formatTable lines up columns and shows empty cells', () => {
  expect(
    formatTable(
      ['NAME', 'HOST'],
      [
        ['a-long-name', ''],
        ['b', 'xen-1'],
      ],
    ),
  ).toEqual(['NAME          HOST', 'a-long-name   -', 'b             xen-1']);
});
