/**
 * `kubectl apply --server-side` keeps the annotation of client-side apply up to date, so that a later client-side apply
 * starts from the truth (apimachinery, util/managedfields/internal/lastappliedupdater.go).
 */
import { isObject, own, setOwn, type JsonObject } from '../schema/json.ts';

const ANNOTATION = 'kubectl.kubernetes.io/last-applied-configuration';
/** Annotations of an object may take this many bytes together; a longer value is left empty. */
const MAX_BYTES = 256 * 1024;

function sortedKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sortedKeys);
  if (!isObject(value)) return value;
  const out: JsonObject = {};
  for (const key of Object.keys(value).sort()) setOwn(out, key, sortedKeys(value[key]));
  return out;
}

function annotationsOf(object: JsonObject): JsonObject | undefined {
  const metadata = own(object, 'metadata');
  const annotations = isObject(metadata) ? own(metadata, 'annotations') : undefined;
  return isObject(annotations) ? annotations : undefined;
}

function withoutAnnotation(applied: JsonObject): JsonObject {
  const annotations = annotationsOf(applied);
  if (annotations === undefined || !Object.hasOwn(annotations, ANNOTATION)) return applied;
  const { [ANNOTATION]: _, ...rest } = annotations;
  const { annotations: __, ...metadata } = applied['metadata'] as JsonObject;
  return { ...applied, metadata: { ...metadata, ...(Object.keys(rest).length === 0 ? {} : { annotations: rest }) } };
}

/** The object with the annotation renewed, if the manager is kubectl's and the object has it. */
export function renewLastApplied(object: JsonObject, applied: JsonObject, manager: string): JsonObject {
  if (manager !== 'kubectl') return object;
  const annotations = annotationsOf(object);
  if (annotations === undefined || !Object.hasOwn(annotations, ANNOTATION)) return object;
  const text = `${JSON.stringify(sortedKeys(withoutAnnotation(applied)))}\n`;
  const value = Buffer.byteLength(text) > MAX_BYTES ? '' : text;
  const metadata = { ...(object['metadata'] as JsonObject), annotations: { ...annotations, [ANNOTATION]: value } };
  return { ...object, metadata };
}
