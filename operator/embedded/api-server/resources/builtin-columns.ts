import { childObject, childString, isObject } from '../json.ts';
import { humanAge } from '../schema/table.ts';
import type { JsonObject, PrinterColumn } from '../served-resource.ts';

const nameColumn: PrinterColumn = {
  name: 'Name',
  type: 'string',
  format: 'name',
  description: 'Name must be unique within a namespace.',
  priority: 0,
  cell: (object) => childString(object['metadata'], 'name'),
};

const ageColumn: PrinterColumn = {
  name: 'Age',
  type: 'string',
  description: 'CreationTimestamp is a timestamp representing the server time when this object was created.',
  priority: 0,
  cell: (object, nowMs) => age(childString(object['metadata'], 'creationTimestamp'), nowMs),
};

function column(name: string, cell: NonNullable<PrinterColumn['cell']>, priority = 0): PrinterColumn {
  return { name, type: 'string', description: name, priority, cell };
}

const eventColumns: readonly PrinterColumn[] = [
  column('Last Seen', (event, nowMs) => age(lastSeen(event), nowMs)),
  column('Type', (event) => childString(event, 'type')),
  column('Reason', (event) => childString(event, 'reason')),
  column('Object', (event) => about(event)),
  column('Subobject', (event) => childString(subject(event), 'fieldPath'), 1),
  column('Source', (event) => source(event), 1),
  column('Message', (event) => (childString(event, 'message') || childString(event, 'note')).trim()),
  column('First Seen', (event, nowMs) => age(firstSeen(event), nowMs), 1),
  column('Count', (event) => count(event), 1),
  { ...nameColumn, priority: 1 },
];

/** The columns of `kubectl get` for built-in kinds, by plural. */
export const builtinColumns: Readonly<Record<string, readonly PrinterColumn[]>> = {
  namespaces: [nameColumn, column('Status', (object) => childString(object['status'], 'phase')), ageColumn],
  configmaps: [nameColumn, column('Data', (object) => keys(object, 'data') + keys(object, 'binaryData')), ageColumn],
  secrets: [
    nameColumn,
    column('Type', (object) => childString(object, 'type')),
    column('Data', (object) => keys(object, 'data')),
    ageColumn,
  ],
  serviceaccounts: [nameColumn, ageColumn],
  leases: [nameColumn, column('Holder', (object) => childString(object['spec'], 'holderIdentity')), ageColumn],
  events: eventColumns,
  customresourcedefinitions: [
    nameColumn,
    {
      name: 'Created At',
      type: 'date',
      description: 'When the definition was created.',
      priority: 0,
      cell: (object) => childString(object['metadata'], 'creationTimestamp'),
    },
  ],
};

function age(timestamp: string, nowMs: number): string {
  const then = Date.parse(timestamp);
  return Number.isNaN(then) ? '<unknown>' : humanAge(Math.floor((nowMs - then) / 1000));
}

function keys(object: JsonObject, field: string): number {
  const map = object[field];
  return isObject(map) ? Object.keys(map).length : 0;
}

function subject(event: JsonObject): JsonObject | undefined {
  return childObject(event, 'involvedObject') ?? childObject(event, 'regarding');
}

function about(event: JsonObject): string {
  const target = subject(event);
  const kind = childString(target, 'kind').toLowerCase();
  const name = childString(target, 'name');
  return name === '' ? kind : `${kind}/${name}`;
}

function source(event: JsonObject): string {
  const from = childObject(event, 'source') ?? childObject(event, 'deprecatedSource');
  const component =
    childString(from, 'component') ||
    childString(event, 'reportingComponent') ||
    childString(event, 'reportingController');
  const host = childString(from, 'host');
  return host === '' ? component : `${component}, ${host}`;
}

function firstSeen(event: JsonObject): string {
  return (
    childString(event, 'firstTimestamp') ||
    childString(event, 'deprecatedFirstTimestamp') ||
    childString(event, 'eventTime')
  );
}

function lastSeen(event: JsonObject): string {
  const series = childString(event['series'], 'lastObservedTime');
  const last = childString(event, 'lastTimestamp') || childString(event, 'deprecatedLastTimestamp');
  return series || last || firstSeen(event);
}

function count(event: JsonObject): string {
  const series = childObject(event, 'series')?.['count'];
  const plain = event['count'] ?? event['deprecatedCount'];
  if (typeof series === 'number') return String(series);
  return typeof plain === 'number' ? String(Math.max(1, plain)) : '1';
}
