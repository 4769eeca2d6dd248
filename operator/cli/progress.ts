import type { Terminal } from './terminal.ts';

/** Words about work that goes on: finished steps on lines of their own, the present one live where there is a screen. */
export interface Progress {
  /** A step is done. */
  step(text: string): void;
  /** What goes on now. Shown on a screen only. */
  live(text: string): void;
  /** Ends the live line for good: what others print from now on is not disturbed. */
  end(): void;
}

const clearLine = '\r\u001b[2K';
const redrawMs = 100;

/** Progress on `terminal`, each line with the seconds since now. `monotonic` gives milliseconds. */
export function createProgress(terminal: Terminal, monotonic: () => number): Progress {
  const start = monotonic();
  const stamp = (): string => `[${((monotonic() - start) / 1000).toFixed(1).padStart(5)} s]`;
  if (!terminal.isTTY) {
    return { step: (text) => terminal.out(`${stamp()} ${text}`), live: () => {}, end: () => {} };
  }
  let current = '';
  let ended = false;
  const draw = (): void => {
    if (current === '') return;
    // A line that wraps cannot be cleared again.
    terminal.raw(`${clearLine}${`${stamp()} ${current}`.slice(0, Math.max(terminal.columns() - 1, 20))}`);
  };
  const timer = setInterval(draw, redrawMs);
  timer.unref();
  return {
    step: (text) => {
      terminal.raw(`${clearLine}${stamp()} ${text}\n`);
      draw();
    },
    live: (text) => {
      if (ended) return;
      current = text;
      draw();
    },
    end: () => {
      clearInterval(timer);
      ended = true;
      current = '';
      terminal.raw(clearLine);
    },
  };
}
