interface Level {
  readonly path: string;
  /** Keys seen, for an object; undefined for a list. */
  readonly keys: Set<string> | undefined;
  index: number;
}

/**
 * Paths of keys that occur more than once in one object of `json`, which must be valid JSON. JSON.parse keeps the last
 * and says nothing.
 */
export function duplicateFields(json: string): string[] {
  const found = new Set<string>();
  const stack: Level[] = [];
  let key = '';
  let expectKey = false;
  for (let index = 0; index < json.length; index++) {
    const level = stack.at(-1);
    switch (json.charCodeAt(index)) {
      case 0x22: {
        const end = stringEnd(json, index);
        if (expectKey && level?.keys !== undefined) {
          key = keyText(json.slice(index, end + 1));
          if (level.keys.has(key)) found.add(join(level.path, key));
          level.keys.add(key);
          expectKey = false;
        }
        index = end;
        break;
      }
      case 0x7b:
        stack.push({ path: childPath(level, key), keys: new Set(), index: 0 });
        expectKey = true;
        break;
      case 0x5b:
        stack.push({ path: childPath(level, key), keys: undefined, index: 0 });
        expectKey = false;
        break;
      case 0x7d:
      case 0x5d:
        stack.pop();
        expectKey = false;
        break;
      case 0x2c:
        if (level?.keys !== undefined) expectKey = true;
        else if (level !== undefined) level.index++;
        break;
    }
  }
  return [...found];
}

function childPath(level: Level | undefined, key: string): string {
  if (level === undefined) return '';
  return level.keys === undefined ? `${level.path}[${String(level.index)}]` : join(level.path, key);
}

function join(path: string, key: string): string {
  return path === '' ? key : `${path}.${key}`;
}

function stringEnd(json: string, start: number): number {
  let end = json.indexOf('"', start + 1);
  while (isEscaped(json, end)) end = json.indexOf('"', end + 1);
  return end;
}

function isEscaped(json: string, at: number): boolean {
  let slashes = 0;
  while (json.charCodeAt(at - 1 - slashes) === 0x5c) slashes++;
  return slashes % 2 === 1;
}

function keyText(quoted: string): string {
  return quoted.includes('\\') ? (JSON.parse(quoted) as string) : quoted.slice(1, -1);
}
