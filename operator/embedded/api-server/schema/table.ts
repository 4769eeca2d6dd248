/** Tables (meta.k8s.io/v1), as `kubectl get` prints them. */
import type { PrinterColumn } from '../served-resource.ts';
import { isObject, own, type JsonObject } from './json.ts';
import { compileJsonPath } from './json-path.ts';

/** What a table is made of. */
export interface TableInput {
  /** `additionalPrinterColumns` of a CRD, or built-in columns with a `cell` function. A Name column is put first if none is there. */
  readonly columns: readonly PrinterColumn[];
  readonly objects: readonly JsonObject[];
  readonly resourceVersion: string;
  readonly continue?: string | undefined;
  readonly remainingItemCount?: number | undefined;
  readonly includeObject: 'None' | 'Metadata' | 'Object';
  /** Milliseconds since the epoch, for ages. */
  readonly now: number;
}

const NAME: PrinterColumn = {
  name: 'Name',
  type: 'string',
  format: 'name',
  description:
    'Name must be unique within a namespace. Is required when creating resources, although some resources may allow a client to request the generation of an appropriate name automatically. Name is primarily intended for creation idempotence and configuration definition. Cannot be updated. More info: https://kubernetes.io/docs/concepts/overview/working-with-objects/names#names',
  priority: 0,
  cell: (object) => {
    const { name } = metadataOf(object);
    return typeof name === 'string' ? name : '';
  },
};

function metadataOf(object: JsonObject): JsonObject {
  const metadata = own(object, 'metadata');
  return isObject(metadata) ? metadata : {};
}

type Cell = string | number | boolean | null;

function pair(large: number, largeUnit: string, small: number, smallUnit: string): string {
  return small === 0 ? `${String(large)}${largeUnit}` : `${String(large)}${largeUnit}${String(small)}${smallUnit}`;
}

/** A duration as kubectl prints ages (apimachinery, util/duration): `45s`, `5m3s`, `27h`, `3d4h`, `2y10d`. */
export function humanAge(seconds: number): string {
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  const days = Math.floor(hours / 24);
  const years = Math.floor(days / 365);
  if (seconds < -1) return '<invalid>';
  if (seconds < 0) return '0s';
  if (seconds < 120) return `${String(seconds)}s`;
  if (minutes < 10) return pair(minutes, 'm', seconds % 60, 's');
  if (minutes < 180) return `${String(minutes)}m`;
  if (hours < 8) return pair(hours, 'h', minutes % 60, 'm');
  if (hours < 48) return `${String(hours)}h`;
  if (days < 8) return pair(days, 'd', hours % 24, 'h');
  if (days < 730) return `${String(days)}d`;
  if (years < 8) return pair(years, 'y', days % 365, 'd');
  return `${String(years)}y`;
}

function dateCell(value: unknown, now: number): Cell {
  const time = typeof value === 'string' ? Date.parse(value) : NaN;
  return Number.isNaN(time) ? '<invalid>' : humanAge(Math.floor((now - time) / 1000));
}

function typedCell(type: string, value: unknown, now: number): Cell {
  switch (type) {
    case 'integer':
      return typeof value === 'number' ? Math.trunc(value) : null;
    case 'number':
      return typeof value === 'number' ? value : null;
    case 'boolean':
      return typeof value === 'boolean' ? value : null;
    case 'date':
      return dateCell(value, now);
    default:
      return typeof value === 'string' ? value : JSON.stringify(value);
  }
}

type CellOf = (object: JsonObject) => Cell;

function cellOf(column: PrinterColumn, now: number): CellOf {
  const { cell } = column;
  if (cell !== undefined) return (object) => cell(object, now);
  const values = compileJsonPath(column.jsonPath ?? '');
  if (values === undefined) return () => null;
  return (object) => {
    const found = values(object);
    const [first] = found;
    if (first === undefined || first === null) return null;
    if (column.type === 'string' && found.length > 1) {
      return found.map((value) => (typeof value === 'string' ? value : JSON.stringify(value))).join(' ');
    }
    return typedCell(column.type, first, now);
  };
}

function rowObject(object: JsonObject, include: TableInput['includeObject']): JsonObject {
  switch (include) {
    case 'Object':
      return { object };
    case 'Metadata':
      return {
        object: { kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: metadataOf(object) },
      };
    case 'None':
      return {};
  }
}

/** A Table of objects. */
export function renderTable(input: TableInput): JsonObject {
  const named = input.columns.some((column) => column.name === 'Name');
  const columns = named ? input.columns : [NAME, ...input.columns];
  const cells = columns.map((column) => cellOf(column, input.now));
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata: {
      resourceVersion: input.resourceVersion,
      ...(input.continue === undefined || input.continue === '' ? {} : { continue: input.continue }),
      ...(input.remainingItemCount === undefined ? {} : { remainingItemCount: input.remainingItemCount }),
    },
    columnDefinitions: columns.map((column) => ({
      name: column.name,
      type: column.type,
      format: column.format ?? '',
      description:
        column.description ?? `Custom resource definition column (in JSONPath format): ${column.jsonPath ?? ''}`,
      priority: column.priority ?? 0,
    })),
    rows: input.objects.map((object) => ({
      cells: cells.map((cell) => cell(object)),
      ...rowObject(object, input.includeObject),
    })),
  };
}
