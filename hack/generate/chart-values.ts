import { load } from 'js-yaml';

type Values = Readonly<Record<string, unknown>>;

const isValues = (value: unknown): value is Values =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A value of the chart, with the comment that stands above it. */
interface Documented {
  readonly path: string;
  readonly description: string;
}

/** The comments of values.yaml, by the path of the key below them. A blank line ends what a comment belongs to. */
function commentsOf(yaml: string): Documented[] {
  const found: Documented[] = [];
  const parents: { readonly indent: number; readonly key: string }[] = [];
  let comment: string[] = [];
  for (const line of yaml.split('\n')) {
    const text = /^\s*# ?(.*)$/.exec(line)?.[1];
    if (text !== undefined) {
      comment.push(text);
      continue;
    }
    const [, spaces, key] = /^( *)([A-Za-z0-9]+):/.exec(line) ?? [];
    if (spaces !== undefined && key !== undefined) {
      while ((parents.at(-1)?.indent ?? -1) >= spaces.length) parents.pop();
      parents.push({ indent: spaces.length, key });
      const path = parents.map((parent) => parent.key).join('.');
      if (comment.length > 0) found.push({ path, description: comment.join(' ') });
    }
    comment = [];
  }
  return found;
}

/** Rows for all values; throws for one without a description. */
function rowsOf(values: Values, described: ReadonlyMap<string, string>, prefix: string): string[] {
  return Object.entries(values).flatMap(([key, value]) => {
    const path = `${prefix}${key}`;
    const description = described.get(path);
    if (description !== undefined) {
      return [`| \`${path}\` | \`${JSON.stringify(value)}\` | ${description.replaceAll('|', '\\|')} |`];
    }
    if (!isValues(value)) throw new Error(`values.yaml: ${path} has no description above it`);
    return rowsOf(value, described, `${path}.`);
  });
}

/** The reference of the chart's values, from the comments of its values.yaml. */
export function chartValues(yaml: string): string {
  const values = load(yaml);
  if (!isValues(values)) throw new Error('values.yaml is no mapping');
  const described = new Map(commentsOf(yaml).map(({ path, description }) => [path, description]));
  return [
    '# Values of the chart',
    '',
    'Generated from `charts/stubdom-operator/values.yaml` by `npm run generate`. How to install: [install.md](../install.md).',
    '',
    '| Value | Default | What |',
    '|---|---|---|',
    ...rowsOf(values, described, ''),
    '',
  ].join('\n');
}
