/** A file of an archive. Names are our own: ASCII, at most 100 bytes. */
export interface ArchiveFile {
  readonly name: string;
  readonly content: Uint8Array;
}

const block = 512;

function header({ name, content }: ArchiveFile, seconds: number): Buffer {
  const bytes = Buffer.alloc(block);
  const octal = (value: number, length: number): string => `${value.toString(8).padStart(length - 1, '0')}\0`;
  if (Buffer.byteLength(name) > 100) throw new TypeError(`${name} is too long a name for an archive`);
  bytes.write(name, 0);
  bytes.write(octal(0o600, 8), 100);
  bytes.write(octal(0, 8), 108);
  bytes.write(octal(0, 8), 116);
  bytes.write(octal(content.length, 12), 124);
  bytes.write(octal(seconds, 12), 136);
  bytes.write(' '.repeat(8), 148);
  bytes.write('0', 156);
  bytes.write('ustar\u000000', 257);
  const sum = bytes.reduce((total, byte) => total + byte, 0);
  bytes.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148);
  return bytes;
}

/** The files as a tar archive (POSIX ustar), readable by their owner alone. `seconds`: since the epoch. */
export function tarOf(files: readonly ArchiveFile[], seconds: number): Buffer {
  const parts = files.flatMap((file) => [
    header(file, seconds),
    file.content,
    Buffer.alloc((block - (file.content.length % block)) % block),
  ]);
  return Buffer.concat([...parts, Buffer.alloc(2 * block)]);
}
