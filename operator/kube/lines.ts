const newline = 0x0a;

/** Cuts a stream of bytes at `\n`, and at nothing else: U+2028 within a string is no end of a line. */
export interface LineSplitter {
  /** Calls `line` for each complete line, without its end; false when a line is longer than the limit. */
  push(chunk: Buffer, line: (bytes: Buffer) => void): boolean;
  /** Bytes of a line that has not ended. */
  readonly pending: number;
}

export function createLineSplitter(maxLineBytes: number): LineSplitter {
  let parts: Buffer[] = [];
  let pending = 0;
  return {
    push(chunk, line) {
      let from = 0;
      for (let at = chunk.indexOf(newline); at >= 0; at = chunk.indexOf(newline, from)) {
        const tail = chunk.subarray(from, at);
        if (pending + tail.length > maxLineBytes) return false;
        const whole = pending === 0 ? tail : Buffer.concat([...parts, tail]);
        parts = [];
        pending = 0;
        from = at + 1;
        if (whole.length > 0) line(whole);
      }
      if (from < chunk.length) {
        const rest = from === 0 ? chunk : chunk.subarray(from);
        parts.push(rest);
        pending += rest.length;
      }
      return pending <= maxLineBytes;
    },
    get pending() {
      return pending;
    },
  };
}
